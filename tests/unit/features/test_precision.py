"""bf16: close to f32, and only on CPUs with instructions for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from job.errors import InvalidValueError
from job.features import precision
from job.features.network import Network, NetworkSpec, network
from job.features.precision import has_bfloat16, require_precision

FLAGS = "processor\t: 0\nflags\t\t: fpu avx512f {}\n"


def cpu_with(flag: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this CPU report `flag`."""
    file = folder / "cpuinfo"
    file.write_text(FLAGS.format(flag))
    monkeypatch.setattr(precision, "CPUINFO", file)


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16 amx_tile"])
def test_bf16_is_allowed_on_a_cpu_with_bfloat16(
    flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu_with(flag, tmp_path, monkeypatch)
    require_precision("bf16")


def test_bf16_is_refused_on_any_other_cpu_with_a_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: NetworkSpec
) -> None:
    cpu_with("avx512_vnni", tmp_path, monkeypatch)

    with pytest.raises(InvalidValueError, match=r"avx512_bf16 or amx_bf16.*leave --precision out"):
        network(replace(spec, precision="bf16"))
    require_precision("f32")


def test_bf16_features_are_close_to_f32_but_not_equal(
    spec: NetworkSpec,
    built: Network,
    images: np.ndarray[Any, np.dtype[np.uint8]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A CPU without the instructions, which the job refuses, rounds in other places.
    min_cosine = 0.998 if has_bfloat16() else 0.99
    has_avx512 = "avx512f" in precision.CPUINFO.read_text().split()
    cpu_with("avx512_bf16", tmp_path, monkeypatch)
    exact = built.features(images)

    if not has_avx512:
        with pytest.raises(InvalidValueError, match="does not offer"):
            network(replace(spec, precision="bf16"))
        return
    features = network(replace(spec, precision="bf16")).features(images)

    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(features, axis=1)
    assert features.dtype == np.float32
    assert ((exact * features).sum(axis=1) / lengths).min() >= min_cosine
    assert np.abs(exact - features).max() > 1e-3
