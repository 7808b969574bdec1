"""Findings of drift: detection, chance, texts and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from job.reduction.drift.detection import Drift
from job.reduction.drift.reference import Reference, Thresholds, override_thresholds
from tests.unit.reduction.drift.rows import drift, fitted, reference, rows

OF = rows(2000)
FIT = fitted(OF)


def _along_a_component(number: int, deviations: float) -> np.ndarray:
    """The shift of features that moves component `number` by `deviations`."""
    step = deviations * np.sqrt(FIT.explained_variance[number - 1])
    return FIT.components[:, number - 1] * step * FIT.std


@pytest.mark.parametrize("count", [1, 5, 40, 400, 4000])
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_rows_like_the_fitted_ones_are_no_drift(count: int, seed: int) -> None:
    assert drift(rows(count, seed=seed), OF, FIT).findings() == []


def test_a_shifted_mean_is_a_finding_with_its_component() -> None:
    result = drift(rows(400, seed=2) + _along_a_component(3, 1.0), OF, FIT)

    assert result.component == 3
    assert result.mean_shift.value == pytest.approx(1.0, abs=0.15)
    assert 0.5 < result.mean_shift.certain < result.mean_shift.value
    assert result.findings() == [
        f"component 3 has moved by {result.mean_shift.value:.2f} standard deviations "
        f"({result.mean_shift.certain:.2f} beyond sampling error, threshold 0.5)"
    ]
    expected = np.zeros(6)
    expected[2] = 1.0
    np.testing.assert_allclose(result.shifts, expected, atol=0.15)


def test_the_same_shift_of_few_images_may_be_chance() -> None:
    few, many = (drift(rows(n, seed=2) + _along_a_component(3, 0.8), OF, FIT) for n in (8, 800))

    assert not few.mean_shift.is_finding
    assert many.mean_shift.is_finding


def test_the_sampling_error_includes_both_means() -> None:
    result = drift(rows(500, seed=2), OF, FIT)

    np.testing.assert_allclose(result.sampling_errors, np.sqrt(1 / 500 + 1 / 2000), rtol=0.15)


def test_noise_outside_the_components_is_a_finding() -> None:
    new = rows(400, seed=2)
    noise = np.random.default_rng(9).normal(size=new.shape) * FIT.std

    result = drift(new + noise, OF, FIT)

    assert result.reconstruction.is_finding
    assert result.outside.is_finding
    assert not result.mean_shift.is_finding
    assert result.residual > 2
    text = " ".join(result.findings())
    assert "the components miss" in text
    assert "of 400 images lie outside the fitted region" in text


def test_a_few_outliers_are_no_drift() -> None:
    new = rows(400, seed=2)
    new[:8] += 100

    result = drift(new, OF, FIT)

    assert result.outside.value >= 0.02
    assert result.findings() == []


def test_a_threshold_decides_what_is_a_finding() -> None:
    new = rows(400, seed=2) + _along_a_component(3, 1.0)

    assert drift(new, OF, FIT, Thresholds(mean_shift=2.0)).findings() == []


def test_a_fit_of_fewer_rows_than_columns_does_not_judge_its_region() -> None:
    of = rows(25)
    fit = fitted(of)
    outliers = rows(400, seed=2) + 100

    result = drift(outliers, of, fit)

    assert result.outside.value == 1
    assert not result.outside.judged
    assert result.reconstruction.is_finding
    assert not any("outside" in finding for finding in result.findings())


def test_reconstruction_is_not_judged_if_all_components_are_kept() -> None:
    fit = fitted(OF, components=30)

    result = drift(rows(400, seed=2), OF, fit)

    assert not result.reconstruction.judged
    assert result.residual == 0
    assert result.findings() == []


def test_drift_is_restored_from_json() -> None:
    result = drift(rows(50, seed=2) + 100, OF, FIT)

    assert Drift.from_json(result.to_json()) == result
    assert json.loads(result.to_json())["findings"] == result.findings()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"findings": []}', "null"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not the drift|Expecting"):
        Drift.from_json(text)


def test_a_reference_is_restored_from_the_manifest() -> None:
    original = reference(OF, FIT)

    assert Reference.from_dict(json.loads(json.dumps(original.to_dict()))) == original
    assert Reference.from_dict(replace(original, region=None).to_dict()).region is None


def test_only_given_thresholds_are_overridden() -> None:
    thresholds = override_thresholds(Thresholds(outside=0.3), {"mean_shift": 1.0, "outside": None})

    assert asdict(thresholds) == {"mean_shift": 1.0, "reconstruction": 1.5, "outside": 0.3}
