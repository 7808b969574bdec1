"""A run without new images does not start the network."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.support.job_process import job

pytestmark = pytest.mark.slow


def test_a_run_without_new_images_loads_no_network(sample_images: Path, tmp_path: Path) -> None:
    variety = next(sample_images.iterdir())
    arguments = ["run", "--input", str(variety), "--output", str(tmp_path / "output")]
    assert _loads_network(arguments)
    assert not _loads_network(arguments)


def _loads_network(arguments: list[str]) -> bool:
    """Whether a Python worker of the run has loaded ONNX Runtime."""
    started = False
    with job(*arguments, environment=os.environ) as running:
        while running.process.poll() is None:
            started = started or any(_has_onnx_runtime(worker.pid) for worker in running.workers())
            time.sleep(0.1)
        assert running.end() == 0, running.output()[-3000:]
    return started


def _has_onnx_runtime(pid: int) -> bool:
    try:
        return "onnxruntime" in Path(f"/proc/{pid}/maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
