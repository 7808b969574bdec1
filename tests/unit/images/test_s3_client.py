"""Endpoints, regions and headers of the concurrent reader's S3 client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from job.images.s3_client import S3Client, create_session, open_store
from job.images.s3a_config import ANONYMOUS, StoreSettings, store_settings
from job.images.storage import ObjectNotFoundError
from job.regions import AWS_SUFFIXES, aws_region_of, is_aws_endpoint

SESSION = botocore.session.Session()
PARTITIONS = SESSION.get_data("partitions")["partitions"]
# Two of each partition: a client takes a quarter of a second.
REGIONS = [
    region
    for partition in SESSION.get_available_partitions()
    for region in SESSION.get_available_regions("s3", partition)[-2:]
]


def endpoint_of_botocore(region: str, **variant: bool) -> str:
    config = Config(signature_version=UNSIGNED, **variant)
    client = SESSION.create_client("s3", region_name=region, config=config)
    return str(client.meta.endpoint_url)


def test_each_partition_is_aws() -> None:
    outputs = [partition["outputs"] for partition in PARTITIONS]
    suffixes = {output[key] for output in outputs for key in ("dnsSuffix", "dualStackDnsSuffix")}
    assert suffixes == set(AWS_SUFFIXES)
    assert all(is_aws_endpoint(f"https://s3.{suffix}") for suffix in suffixes)
    assert not is_aws_endpoint("https://s3.notamazonaws.com")


def test_the_endpoint_of_each_region_is_that_of_botocore() -> None:
    settings = StoreSettings(credentials=(ANONYMOUS,))
    session = create_session(settings)
    for region in REGIONS:
        store = open_store(settings, "bucket", region, session)
        host = urlsplit(endpoint_of_botocore(region)).hostname
        assert store.config["endpoint"] == f"https://bucket.{host}"


@pytest.mark.parametrize(
    "variant", [{}, {"use_dualstack_endpoint": True}, {"use_fips_endpoint": True}], ids=str
)
def test_an_endpoint_of_aws_is_signed_for_its_own_region(variant: dict[str, bool]) -> None:
    compared = 0
    for region in REGIONS:
        with suppress(BotoCoreError):
            endpoint = endpoint_of_botocore(region, **variant)
            # The global endpoint of us-east-1 names no region.
            if region in endpoint:
                conf = {"fs.s3a.endpoint": endpoint}
                assert store_settings(conf, {}).region == region
                compared += 1
    assert compared > 8


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("s3.eu-west-1.amazonaws.com", "eu-west-1"),
        ("s3-eu-west-1.amazonaws.com", "eu-west-1"),
        ("bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
        ("s3.amazonaws.com", None),
        ("s3.eu-west-1.example.com", None),
    ],
)
def test_the_region_is_read_from_hosts_of_aws_only(host: str, region: str | None) -> None:
    assert aws_region_of(host) == region


@pytest.fixture
def payers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[StoreSettings, list[str | None]]]:
    """Settings of a server without objects, and the payer that each request names."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    named: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            named.append(self.headers.get("x-amz-request-payer"))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        conf = {
            "fs.s3a.endpoint": f"http://127.0.0.1:{server.server_port}",
            "fs.s3a.requester.pays.enabled": "true",
        }
        yield store_settings(conf, {}), named
        server.shutdown()


def test_each_request_says_that_the_requester_pays(
    payers: tuple[StoreSettings, list[str | None]],
) -> None:
    settings, named = payers
    client = S3Client(settings)
    for call in (
        lambda: client.page("bucket", "prefix"),
        lambda: client.get("bucket", "key", 10),
        lambda: client.get("bucket", "not//plain", 10),
        lambda: client.put("bucket", "key", b"data"),
        lambda: client.copy("bucket", "key", "bucket", "other"),
        lambda: client.delete("bucket", "key"),
    ):
        with pytest.raises(ObjectNotFoundError):
            call()
    client.region_of("bucket")
    assert named == ["requester"] * 7
