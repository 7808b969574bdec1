"""Whether a peer has done the same work: its features beside those of the job's own code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from tests.benchmarks.sample import Sample
from tests.support.new_process import in_new_process

Features = np.ndarray[Any, np.dtype[np.float32]]


class OtherWorkError(Exception):
    """The features are not those of the images, or not of all of them."""


def reference(sample: Sample) -> dict[str, Features]:
    """Features (1280,) of each different image, by its `label/file`, of the job's own code."""
    return in_new_process(_reference, sample)


def largest_difference(written: Path, expected: dict[str, Features], images: int) -> float:
    """The largest |theirs - ours| / |ours| of an image in the Parquet files under `written`.

    Raises OtherWorkError where they do not have each of the `images` once.
    """
    seen: list[str] = []
    largest = 0.0
    for path, features in _rows(written):
        seen.append(path)
        ours = expected[_label_and_file(path)]
        distance = np.linalg.norm(features - ours) / np.linalg.norm(ours)
        largest = max(largest, float(distance))
    if not len(seen) == len(set(seen)) == images:
        raise OtherWorkError(f"{len(seen)} rows of {len(set(seen))} images, not of {images}")
    return largest


def _reference(sample: Sample) -> dict[str, Features]:
    from job.features.network import network
    from job.images.decode import DecodeRules, decode
    from tests.support.networks import shipped_spec

    model = network(shipped_spec())
    rules = DecodeRules(224, 224)
    features = model.features(np.stack([decode(file.read_bytes(), rules) for file in sample.files]))
    return {
        _label_and_file(str(file)): row for file, row in zip(sample.files, features, strict=True)
    }


def _rows(written: Path) -> Iterator[tuple[str, Features]]:
    every = sorted(str(file) for file in written.rglob("*.parquet"))
    files = [file for file in every if "_delta_log" not in file]
    for batch in ds.dataset(files).to_batches(columns=["path", "features"]):
        column = batch.column("features")
        # Ray's tensors are an extension type where it is installed.
        lists = column.storage if isinstance(column, pa.ExtensionArray) else column
        for path, features in zip(batch.column("path"), lists, strict=True):
            yield path.as_py(), np.asarray(features.values, dtype=np.float32)


def _label_and_file(path: str) -> str:
    # Spark and Daft give URLs, in which a space may be %20.
    return "/".join(PurePosixPath(unquote(path)).parts[-2:])
