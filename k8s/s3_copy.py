"""Copies a folder to or from the cluster's S3: s3_copy.py put|get FOLDER BUCKET/PREFIX."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from obstore.store import S3Store


def store(bucket: str) -> S3Store:
    """The bucket at S3_ENDPOINT, with the keys of the environment."""
    return S3Store(
        bucket,
        endpoint=os.environ["S3_ENDPOINT"],
        region="us-east-1",
        client_options={"allow_http": True},
    )


def put(folder: Path, bucket: str, prefix: str) -> int:
    """Put each file below `folder` under `prefix`; how many."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    target = store(bucket)
    with ThreadPoolExecutor(8) as pool:
        keys = (f"{prefix}/{path.relative_to(folder).as_posix()}" for path in files)
        list(pool.map(lambda key, path: target.put(key, path), keys, files))
    return len(files)


def get(folder: Path, bucket: str, prefix: str) -> int:
    """Get each object under `prefix` below `folder`; how many."""
    source = store(bucket)
    keys = [item["path"] for page in source.list(prefix) for item in page if item["size"]]
    for key in keys:
        path = folder / key.removeprefix(prefix).lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.get(key).bytes())
    return len(keys)


def main(direction: str, folder: str, address: str) -> None:
    """Copy, and say how much."""
    bucket, _, prefix = address.partition("/")
    copied = {"put": put, "get": get}[direction](Path(folder), bucket, prefix)
    print(f"{direction}: {copied} objects, {folder}, {address}")


if __name__ == "__main__":
    main(*sys.argv[1:])
