"""Hundreds of hostile files: no worker dies, and each file ends in the expected table."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from deltalake import DeltaTable

from tests.benchmarks.measured import measure
from tests.chaos.conftest import SEED
from tests.chaos.hostile import FEATURES, write

MAX_WORKER_MIB = 1200


@pytest.mark.selection
def test_hostile_files_end_in_the_expected_table(tmp_path: Path) -> None:
    folder, output = tmp_path / "images", tmp_path / "out"
    expected = write(folder, SEED)
    assert len(expected) >= 300
    command = [sys.executable, "-m", "job", "featurize", "--max-bad-fraction", "1"]
    command += ["--input", str(folder), "--output", str(output)]
    peaks = measure(command, os.environ).peak_mib
    ends = _ends(output, folder)
    assert ends.keys() == expected.keys()
    wrong = {name: end for name, end in ends.items() if end not in expected[name]}
    assert wrong == {}
    peak = peaks["Python worker"]
    print(f"{len(ends)} files: {dict(Counter(ends.values()))}; worker {peak:.0f} MiB")
    assert peak <= MAX_WORKER_MIB


def _ends(output: Path, folder: Path) -> dict[str, str]:
    """The end of each file by name; asserts that no file is in both tables."""
    featurized = DeltaTable(output / "features").to_pyarrow_table(columns=["path"])
    bad = DeltaTable(output / "quarantine").to_pyarrow_table(columns=["path", "reason"])
    rows = [(path, FEATURES) for path in featurized["path"].to_pylist()]
    rows += list(zip(bad["path"].to_pylist(), bad["reason"].to_pylist(), strict=True))
    names = [path.removeprefix(f"file://{folder}/") for path, _ in rows]
    assert len(set(names)) == len(names)
    return {name: end for name, (_, end) in zip(names, rows, strict=True)}
