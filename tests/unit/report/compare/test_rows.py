"""The rows of a comparison, and the rows that it omits."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from job.report.compare.outputs import Score
from job.report.compare.rows import as_json, as_table, build_rows, components_for, short_fingerprint
from tests.unit.report.compare.examples import (
    MOBILENET,
    mobilenet_output,
    projected_output,
    vgg_output,
)


def test_two_networks_have_a_column_each() -> None:
    rows = dict(build_rows([mobilenet_output(), vgg_output()]))

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


def test_a_shorter_curve_shows_its_last_value() -> None:
    rows = dict(build_rows([mobilenet_output(), vgg_output()]))

    assert rows["variance of 10 components"] == ["100.0 %", "100.0 %"]


def test_a_projected_output_names_the_run_of_its_fit() -> None:
    rows = dict(build_rows([mobilenet_output(), projected_output()]))

    assert rows["fitted by run"] == ["r1", "r1"]
    assert rows["k for 90 %"] == ["4", "–"]
    assert rows["drift"] == ["–", "12.0 % of 120 images lie outside the fitted region"]
    assert len(set(rows["fingerprint"])) == 1


def test_a_projection_without_findings_says_so() -> None:
    rows = dict(build_rows([mobilenet_output(), mobilenet_output(drift=[])]))

    assert rows["drift"] == ["–", "none found"]


def test_a_quantity_that_no_output_has_is_omitted() -> None:
    names = [name for name, _ in build_rows([projected_output(), projected_output()])]

    assert "images/s" not in names
    assert not any("variance" in name for name in names)


@pytest.mark.parametrize(("share", "expected"), [(0.4, 1), (0.7, 2), (0.9, 4), (1.0, 5)])
def test_components_for_a_share_of_the_variance(share: float, expected: int) -> None:
    assert components_for(mobilenet_output(), share) == expected


def test_the_short_fingerprint_does_not_depend_on_key_order() -> None:
    reordered = mobilenet_output(fingerprint=dict(reversed(MOBILENET.items())))

    assert short_fingerprint(mobilenet_output()) == short_fingerprint(reordered)
    assert short_fingerprint(mobilenet_output()) != short_fingerprint(vgg_output())


def test_the_table_keeps_names_and_paths_whole_on_a_narrow_terminal() -> None:
    path = "s3a://results/" + "long/" * 20
    output = io.StringIO()
    Console(file=output, width=80).print(as_table([mobilenet_output(output=path), vgg_output()]))

    text = output.getvalue()
    assert "size of the projection" in text
    assert "logistic_regression on features" in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_json_has_all_values() -> None:
    first, second = json.loads(as_json([mobilenet_output(), vgg_output()]))

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


def test_the_best_score_is_shown_with_and_without_near_duplicates() -> None:
    scores = [Score("trees", "pca", 0.9, 0.8), Score("trees", "pca", 0.95, 0.9, 0.85)]
    rows = dict(build_rows([mobilenet_output(), mobilenet_output(scores=scores)]))

    expected = "95.0 %, macro F1 90.0 %, 85.0 % without near-duplicates"
    assert rows["trees on pca"] == ["–", expected]
