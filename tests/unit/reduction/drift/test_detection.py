"""What is a finding, what is chance, and how it is told and kept."""

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
    """So much in features, for every row."""
    step = deviations * np.sqrt(FIT.explained_variance[number - 1])
    return FIT.components[:, number - 1] * step * FIT.std


@pytest.mark.parametrize("count", [1, 5, 40, 400, 4000])
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_rows_like_the_fitted_are_no_drift(count: int, seed: int) -> None:
    assert drift(rows(count, seed=seed), OF, FIT).findings() == []


def test_a_mean_that_moves_is_told_with_its_component() -> None:
    found = drift(rows(400, seed=2) + _along_a_component(3, 1.0), OF, FIT)

    assert found.component == 3
    assert found.mean_shift.value == pytest.approx(1.0, abs=0.15)
    assert 0.5 < found.mean_shift.certain < found.mean_shift.value
    assert found.findings() == [
        f"component 3 has moved by {found.mean_shift.value:.2f} standard deviations "
        f"({found.mean_shift.certain:.2f} beyond sampling error, threshold 0.5)"
    ]
    expected = np.zeros(6)
    expected[2] = 1.0
    np.testing.assert_allclose(found.shifts, expected, atol=0.15)


def test_of_few_images_the_same_shift_may_be_chance() -> None:
    few, many = (drift(rows(n, seed=2) + _along_a_component(3, 0.8), OF, FIT) for n in (8, 800))

    assert not few.mean_shift.is_finding
    assert many.mean_shift.is_finding


def test_the_sampling_error_is_that_of_two_means() -> None:
    found = drift(rows(500, seed=2), OF, FIT)

    np.testing.assert_allclose(found.sampling_errors, np.sqrt(1 / 500 + 1 / 2000), rtol=0.15)


def test_noise_that_the_components_do_not_know_is_found() -> None:
    new = rows(400, seed=2)
    noise = np.random.default_rng(9).normal(size=new.shape) * FIT.std

    found = drift(new + noise, OF, FIT)

    assert found.reconstruction.is_finding
    assert found.outside.is_finding
    assert not found.mean_shift.is_finding
    assert found.residual > 2
    told = " ".join(found.findings())
    assert "the components miss" in told
    assert "of 400 images lie outside the fitted region" in told


def test_a_few_strange_images_are_outside_and_no_drift() -> None:
    new = rows(400, seed=2)
    new[:8] += 100

    found = drift(new, OF, FIT)

    assert found.outside.value >= 0.02
    assert found.findings() == []


def test_a_threshold_decides_what_is_found() -> None:
    new = rows(400, seed=2) + _along_a_component(3, 1.0)

    assert drift(new, OF, FIT, Thresholds(mean_shift=2.0)).findings() == []


def test_a_fit_of_fewer_rows_than_columns_does_not_judge_its_region() -> None:
    of = rows(25)
    fit = fitted(of)
    strange = rows(400, seed=2) + 100

    found = drift(strange, of, fit)

    assert found.outside.value == 1
    assert not found.outside.judged
    assert found.reconstruction.is_finding
    assert not any("outside" in each for each in found.findings())


def test_where_all_components_are_kept_there_is_nothing_to_reconstruct() -> None:
    fit = fitted(OF, components=30)

    found = drift(rows(400, seed=2), OF, fit)

    assert not found.reconstruction.judged
    assert found.residual == 0
    assert found.findings() == []


def test_drift_survives_its_json() -> None:
    found = drift(rows(50, seed=2) + 100, OF, FIT)

    assert Drift.from_json(found.to_json()) == found
    assert json.loads(found.to_json())["findings"] == found.findings()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"findings": []}', "null"])
def test_other_json_is_no_drift(text: str) -> None:
    with pytest.raises(ValueError, match=r"not the drift|Expecting"):
        Drift.from_json(text)


def test_a_reference_survives_the_manifest() -> None:
    made = reference(OF, FIT)

    assert Reference.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert Reference.from_dict(replace(made, region=None).to_dict()).region is None


def test_thresholds_stay_until_others_are_given() -> None:
    thresholds = override_thresholds(Thresholds(outside=0.3), {"mean_shift": 1.0, "outside": None})

    assert asdict(thresholds) == {"mean_shift": 1.0, "reconstruction": 1.5, "outside": 0.3}
