"""The local S3 server: real requests, real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from job.deploy.local.s3_server import LocalS3Server, LocalS3ServerError, s3a_settings

HOLD_A_SERVER = """
import time
from job.deploy.local.s3_server import LocalS3Server
with LocalS3Server() as server:
    print(server.endpoint, server._process.pid, flush=True)
    time.sleep(60)
"""


def test_a_folder_comes_back_as_it_went(s3: LocalS3Server, bucket: str, tmp_path: Path) -> None:
    names = ["a.jpg", "a folder/ä %20 'b'.jpg", "_hidden/.dot"]
    for name in names:
        path = tmp_path / "there" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())

    assert s3.upload_folder(tmp_path / "there", bucket, "some/prefix") == 3
    assert s3.download_folder(bucket, "some/prefix", tmp_path / "back") == 3
    assert {name: (tmp_path / "back" / name).read_bytes() for name in names} == {
        name: name.encode() for name in names
    }


def test_only_its_own_keys_are_accepted(s3: LocalS3Server, bucket: str) -> None:
    stranger = LocalS3Server()
    stranger.endpoint = s3.endpoint
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        stranger.client().list_objects_v2(Bucket=bucket)


def test_an_object_is_created_once(s3: LocalS3Server, bucket: str) -> None:
    s3.client().put_object(Bucket=bucket, Key="claim", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.client().put_object(Bucket=bucket, Key="claim", Body=b"second", IfNoneMatch="*")


def test_no_file_of_it_is_left(tmp_path: Path) -> None:
    server = LocalS3Server(tmp_path)
    with server:
        made = [*server._grpc_sockets]
        assert [path.is_socket() for path in made] == [True] * 4
    assert not [path for path in made if path.exists()]


def test_its_environment_holds_no_other_account(s3: LocalS3Server) -> None:
    mine = {"AWS_SESSION_TOKEN": "mine", "AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "mine"}
    environment = s3.environment({"HOME": "/home/me", **mine})
    assert environment["HOME"] == "/home/me"
    assert "mine" not in environment.values()


def test_no_key_is_in_a_spark_setting(s3: LocalS3Server) -> None:
    text = str(s3.spark_settings())
    assert s3.endpoint in text
    assert s3.access_key not in text
    assert s3.secret_key not in text
    assert s3.spark_settings() == s3a_settings(s3.endpoint)


def test_it_listens_on_loopback_only(s3: LocalS3Server) -> None:
    assert s3._process is not None
    assert _listening_addresses(s3._process.pid) == {"0100007F"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_process_that_holds_it(number: signal.Signals) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD_A_SERVER], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout:
        server_pid = int(holder.stdout.readline().split()[1])
    holder.send_signal(number)
    holder.wait()
    deadline = time.monotonic() + 5
    while _runs(server_pid):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_server_that_cannot_start_says_what_its_log_says(tmp_path: Path) -> None:
    (tmp_path / "filerldb2").write_text("a file where the server keeps a folder")
    with pytest.raises(LocalS3ServerError, match="filerldb2"), LocalS3Server(tmp_path):
        pass


def test_a_folder_of_ones_own_keeps_its_objects(tmp_path: Path) -> None:
    with LocalS3Server(tmp_path) as server:
        server.create_bucket("kept")
        server.client().put_object(Bucket="kept", Key="1", Body=b"kept" * 1000)
    with LocalS3Server(tmp_path) as server:
        body = server.client().get_object(Bucket="kept", Key="1")["Body"].read()
    assert body == b"kept" * 1000


def _listening_addresses(pid: int) -> set[str]:
    """The local addresses, in proc(5)'s hexadecimal, of a process's listening TCP sockets."""
    sockets = {os.readlink(link) for link in _links(pid) if "socket:" in os.readlink(link)}
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                addresses.add(fields[1].split(":")[0])
    return addresses


def _links(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/fd").iterdir())


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
