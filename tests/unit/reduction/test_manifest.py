"""The manifest of a bundle: its content, and the JSON that it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from job.errors import IncompatibleBundleError
from job.reduction.bundle import ArrayFile, Bundle, Manifest, require_fingerprint
from job.reduction.moments import Moments
from job.reduction.pca import Fit, fit

FINGERPRINT = {"backbone": "mobilenet_v2", "weights": "ab12", "numeric_class": "f32"}
ARRAYS = {kind: ArrayFile(f"{kind}.npz", "00") for kind in ("fit", "moments")}


@pytest.fixture
def fitted() -> Fit:
    rows = [[1, 1, 5], [2, 1, 4], [3, 2, 9], [4, 2, 1]]
    return fit(Moments.of(np.insert(np.array(rows, float), 3, 7.0, axis=1)), variance=0.9)


@pytest.fixture
def manifest(fitted: Fit) -> Manifest:
    manifest = Manifest.of(
        fitted,
        run_id="r1",
        fingerprint=FINGERPRINT,
        versions={"spark": "4.0.2"},
        variance=0.9,
        components=None,
    )
    return replace(manifest, arrays=ARRAYS)


def test_a_manifest_describes_the_fit(manifest: Manifest, fitted: Fit) -> None:
    content = json.loads(manifest.to_json())

    assert (content["rows"], content["columns"], content["constant_columns"]) == (4, 4, 1)
    assert (content["variance"], content["components"], content["k"]) == (0.9, None, fitted.k)
    assert content["variance_explained"] >= 0.9
    assert len(content["explained_variance_ratio"]) == 3
    assert content["fingerprint"] == FINGERPRINT
    assert content["versions"] == {"spark": "4.0.2"}


def test_a_manifest_is_restored_from_json(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_an_old_manifest_without_drift_is_read(manifest: Manifest) -> None:
    old = json.loads(manifest.to_json())
    del old["drift"], old["features_version"]

    assert Manifest.from_json(json.dumps(old)) == manifest


def test_components_take_precedence_over_variance(fitted: Fit) -> None:
    manifest = Manifest.of(
        fitted, run_id="r", fingerprint={}, versions={}, variance=0.9, components=2
    )

    assert (manifest.variance, manifest.components) == (None, 2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "not a manifest of format 1"),
        ({"colour": "red"}, "other keys"),
        ({"arrays": {"fit": {"name": "a", "sha256": "b"}}}, "array files are not named"),
        ({"arrays": None}, "array files are not named"),
    ],
)
def test_json_of_another_format_is_refused(manifest: Manifest, changes: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Manifest.from_json(json.dumps({**json.loads(manifest.to_json()), **changes}))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_an_incomplete_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a manifest|Expecting"):
        Manifest.from_json(text)


def test_features_of_the_same_fingerprint_are_accepted(manifest: Manifest, fitted: Fit) -> None:
    require_fingerprint(Bundle("pca", manifest, fitted), dict(reversed(FINGERPRINT.items())))


def test_features_of_another_fingerprint_are_refused_with_the_differing_part(
    manifest: Manifest, fitted: Fit
) -> None:
    with pytest.raises(IncompatibleBundleError) as raised:
        require_fingerprint(
            Bundle("s3a://b/pca", manifest, fitted), {**FINGERPRINT, "weights": "cd34"}
        )

    assert "s3a://b/pca" in str(raised.value)
    assert "weights 'ab12' in the bundle and 'cd34' here" in str(raised.value)
    assert "backbone" not in str(raised.value)
