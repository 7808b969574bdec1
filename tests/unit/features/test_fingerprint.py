"""The fingerprint of features: JSON, differences, refusal."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from job.errors import FingerprintMismatchError
from job.features.fingerprint import Fingerprint, require_same

OURS = Fingerprint("mobilenet_v2", "a311", (224, 224), "bicubic", "1", exif_rotate=False)


def test_survives_json() -> None:
    assert Fingerprint.from_dict(json.loads(json.dumps(OURS.to_dict()))) == OURS


def test_the_same_fingerprint_passes() -> None:
    require_same(OURS, replace(OURS), "s3a://bucket/output")


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"backbone": "resnet50"}, "backbone: mobilenet_v2 here, resnet50 there"),
        ({"tensors_sha256": "b422"}, "tensors_sha256: a311 here, b422 there"),
        ({"input_size": (224, 192)}, "input_size: [224, 224] here, [224, 192] there"),
        ({"resampling": "nearest"}, "resampling: bicubic here, nearest there"),
        ({"decode_rules": "2"}, "decode_rules: 1 here, 2 there"),
        ({"exif_rotate": True}, "exif_rotate: False here, True there"),
        ({"numeric_class": "bf16"}, "numeric_class: f32 here, bf16 there"),
    ],
)
def test_names_the_part_that_differs(change: dict[str, object], difference: str) -> None:
    theirs = replace(OURS, **change)

    assert OURS.differences(theirs) == [difference]


def test_the_error_for_another_fingerprint_names_the_output_and_the_fix() -> None:
    theirs = replace(OURS, exif_rotate=True)

    with pytest.raises(FingerprintMismatchError) as raised:
        require_same(OURS, theirs, "s3a://bucket/output")

    assert str(raised.value) == (
        "s3a://bucket/output holds features of another fingerprint "
        "(exif_rotate: False here, True there); expected the fingerprint that this run makes; "
        "fix: choose another --output, or --refeaturize rewrites all"
    )


def test_a_record_of_another_version_is_refused_with_its_parts() -> None:
    recorded = {**OURS.to_dict(), "colour_space": "rgb"}
    del recorded["resampling"]

    with pytest.raises(FingerprintMismatchError, match="parts: colour_space, resampling"):
        Fingerprint.from_dict(recorded)
