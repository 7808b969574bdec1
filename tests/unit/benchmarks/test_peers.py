"""What `make bench-peers` says of runs, and what it takes for the same work."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.benchmarks.peers.results import Result, append, read, table
from tests.benchmarks.peers.same_work import OtherWorkError, largest_difference

OURS = Result(
    peer="job",
    where="local",
    small=1000,
    large=3000,
    seconds=(30.0, 50.0),
    limit=125.0,
    difference=0.0,
    requests={},
    peak_mib={},
    cores=2,
    finished="2026-01-02T03:04:05+00:00",
)
RAY = dataclasses.replace(OURS, peer="ray", seconds=(40.0, 90.0), limit=100.0)

EXPECTED = {"Plum/1.jpg": np.array([3.0, 4.0]), "Plum 2/1.jpg": np.array([6.0, 8.0])}


def write(folder: Path, rows: dict[str, list[float]]) -> Path:
    """Features of these paths as a peer would leave them."""
    features = pa.array(list(rows.values()), pa.list_(pa.float32()))
    pq.write_table(pa.table({"path": list(rows), "features": features}), folder / "part.parquet")
    return folder


def test_start_up_is_apart_from_an_image_more() -> None:
    assert OURS.marginal == pytest.approx(0.010)
    assert OURS.start_up == pytest.approx(20.0)
    assert OURS.of_limit == pytest.approx(0.8)


def test_the_table_compares_shares_of_the_limits_around_each() -> None:
    # Ray makes 40 images/s where 100 are possible, the job 100 of 125: 0.8 / 0.4.
    lines = list(table([OURS, RAY]))
    assert "| 40.0 | 0.40 | 2.0 x |" in lines[-1]


def test_the_last_result_of_a_cell_counts(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "results.jsonl"
    slower = dataclasses.replace(OURS, seconds=(31.0, 61.0))
    for result in (OURS, RAY, slower):
        append(result, file)
    assert read(file) == [slower, RAY]


def test_the_difference_is_that_of_the_worst_image(tmp_path: Path) -> None:
    rows = {"file:///images/0000/Plum/1.jpg": [3.0, 4.0], "s3://b/0/Plum%202/1.jpg": [6.0, 9.0]}
    assert largest_difference(write(tmp_path, rows), EXPECTED, 2) == pytest.approx(0.1)


@pytest.mark.parametrize("images", [1, 3])
def test_other_images_are_other_work(tmp_path: Path, images: int) -> None:
    rows = {"/0/Plum/1.jpg": [3.0, 4.0], "/1/Plum/1.jpg": [3.0, 4.0]}
    with pytest.raises(OtherWorkError, match="2 rows of 2 images"):
        largest_difference(write(tmp_path, rows), EXPECTED, images)
