"""What the comparison says of each output, and what it leaves out."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from job.report.compare.outputs import Score
from job.report.compare.rows import as_json, as_table, components_for, rows_of, short_fingerprint
from tests.unit.report.compare.examples import MOBILENET, other_network, projected_only, side


def test_two_networks_are_told_side_by_side() -> None:
    rows = dict(rows_of([side(), other_network()]))

    assert rows["backbone"] == ["mobilenet_v2", "vgg16"]
    assert rows["  tensors_sha256"] == ["ab" * 8, "cd" * 8]
    assert rows["images"] == ["22,688", "22,688"]
    assert rows["images/s"] == ["113", "113"]
    assert rows["time"] == ["4 min 05 s", "4 min 05 s"]
    assert rows["features an image"] == ["1,280", "512"]
    assert rows["k for 90 %"] == ["4", "2"]
    assert rows["variance of 1 component"] == ["40.0 %", "80.0 %"]
    assert rows["size of the features"] == ["118 MB", "118 MB"]
    assert rows["size of the projection"] == ["7.4 MB", "7.4 MB"]
    assert rows["logistic_regression on pca"] == ["95.1 %, macro F1 94.8 %", "–"]
    assert rows["logistic_regression on features"] == ["–", "97.0 %"]


def test_a_curve_that_is_shorter_is_told_at_its_end() -> None:
    rows = dict(rows_of([side(), other_network()]))

    assert rows["variance of 10 components"] == ["100.0 %", "100.0 %"]


def test_an_output_that_only_projects_shows_whose_fit_it_used() -> None:
    rows = dict(rows_of([side(), projected_only()]))

    assert rows["fitted by run"] == ["r1", "r1"]
    assert rows["k for 90 %"] == ["4", "–"]
    assert rows["drift"] == ["–", "12.0 % of 120 images lie outside the fitted region"]
    assert len(set(rows["fingerprint"])) == 1


def test_a_projection_without_findings_says_so() -> None:
    rows = dict(rows_of([side(), side(drift=[])]))

    assert rows["drift"] == ["–", "none found"]


def test_what_nobody_has_is_no_row() -> None:
    names = [name for name, _ in rows_of([projected_only(), projected_only()])]

    assert "images/s" not in names
    assert not any("variance" in name for name in names)


@pytest.mark.parametrize(("share", "expected"), [(0.4, 1), (0.7, 2), (0.9, 4), (1.0, 5)])
def test_components_for_a_share_of_the_variance(share: float, expected: int) -> None:
    assert components_for(side(), share) == expected


def test_the_fingerprint_is_the_same_whatever_its_order() -> None:
    turned = dict(reversed(MOBILENET.items()))

    assert short_fingerprint(side()) == short_fingerprint(side(fingerprint=turned))
    assert short_fingerprint(side()) != short_fingerprint(other_network())


def test_the_table_keeps_names_and_paths_whole_on_a_narrow_terminal() -> None:
    path = "s3a://results/" + "long/" * 20
    output = io.StringIO()
    Console(file=output, width=80).print(as_table([side(output=path), other_network()]))

    told = output.getvalue()
    assert "size of the projection" in told
    assert "logistic_regression on features" in told
    assert "…" not in told
    assert max(map(len, told.splitlines())) <= 80


def test_json_has_all_of_it() -> None:
    first, second = json.loads(as_json([side(), other_network()]))

    assert (first["components_for_90"], second["components_for_90"]) == (4, 2)
    assert first["variance_curve"] == [0.4, 0.3, 0.1, 0.1, 0.1]
    assert first["scores"] == [
        {
            "classifier": "logistic_regression",
            "on": "pca",
            "accuracy": 0.951,
            "macro_f1": 0.948,
            "without_near_duplicates": None,
        }
    ]


def test_the_best_of_a_kind_is_told_with_what_near_duplicates_make_of_it() -> None:
    scores = [Score("trees", "pca", 0.9, 0.8), Score("trees", "pca", 0.95, 0.9, 0.85)]
    rows = dict(rows_of([side(), side(scores=scores)]))

    told = "95.0 %, macro F1 90.0 %, 85.0 % without near-duplicates"
    assert rows["trees on pca"] == ["–", told]
