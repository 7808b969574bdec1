"""A role is assumed with a token file, like IRSA in a pod, by s3a and by the workers.

A local server stands in for STS. Both S3 clients must send it the token and the role.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from pyspark.sql import SparkSession

from job.deploy.local.s3_server import LocalS3Server
from tests.integration.tables import features_of

ROLE = "arn:aws:iam::123456789012:role/image-features"
TOKEN = "header.payload.signature"
ANSWER = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>{secret_key}</SecretAccessKey>
<SessionToken></SessionToken><Expiration>{expiration}</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""


@dataclass
class Sts:
    """The endpoint, and the user agents and forms of the requests so far."""

    endpoint: str = ""
    requests: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)


@pytest.fixture
def sts(s3: LocalS3Server) -> Iterator[Sts]:
    """Returns the keys of the local S3 server for each assumed role."""
    sts = Sts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sts.requests.append((self.headers["User-Agent"], parse_qs(form)))
            expiration = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            body = ANSWER.format(
                access_key=s3.access_key, secret_key=s3.secret_key, expiration=expiration
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sts.endpoint = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield sts
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_both_s3_clients_assume_the_role_of_the_token_file(
    spark: SparkSession,
    s3: LocalS3Server,
    sts: Sts,
    bucket: str,
    sample_images: Path,
    tmp_path: Path,
) -> None:
    s3.upload_folder(sorted(sample_images.iterdir())[0], bucket, "images/Apple")
    token = tmp_path / "token"
    token.write_text(TOKEN)
    provider = "software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider"
    settings = s3.spark_settings() | {"spark.hadoop.fs.s3a.aws.credentials.provider": provider}
    environment = s3.environment() | {
        "AWS_ROLE_ARN": ROLE,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ENDPOINT_URL_STS": sts.endpoint,
    }
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del environment[name]
    output = f"s3a://{bucket}/out"
    command = [sys.executable, "-m", "job", "featurize", "--reader", "concurrent"]
    command += ["--input", f"s3a://{bucket}/images", "--output", output]
    command += [f"--conf={key}={value}" for key, value in settings.items()]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert len(features_of(spark, output)) == 20
    for _, form in sts.requests:
        assert form["Action"] == ["AssumeRoleWithWebIdentity"]
        assert form["RoleArn"] == [ROLE]
        assert form["WebIdentityToken"] == [TOKEN]
    agents = " ".join(agent for agent, _ in sts.requests)
    assert "aws-sdk-java/2" in agents
    assert "Botocore" in agents
