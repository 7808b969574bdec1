"""The name of a run on a cluster."""

from __future__ import annotations

import pytest

from job.deploy.render.run_names import application_name, generate_run_id
from job.errors import InvalidValueError


def test_a_run_is_named_after_its_release_and_its_id() -> None:
    assert application_name("fruits", "2026-01-02") == "fruits-2026-01-02"


@pytest.mark.parametrize("release", ["f", "image-features", "a-release-of-23-letters", "a" * 24])
def test_a_generated_id_fits_each_release(release: str) -> None:
    name = application_name(release, generate_run_id(release))
    assert len(name) <= 40


def test_generated_ids_differ() -> None:
    assert generate_run_id("image-features") != generate_run_id("image-features")


def test_a_name_that_is_too_long_is_reported_with_its_length() -> None:
    with pytest.raises(InvalidValueError) as error:
        application_name("image-features", "a" * 26)
    assert "41 characters; expected at most 40" in str(error.value)
    assert "shorten --run-id or --release" in str(error.value)


@pytest.mark.parametrize("run_id", ["", "One", "a_b", "-a", "a-", "a.b", "a/b", "ü", "a\n"])
def test_an_invalid_name_is_rejected(run_id: str) -> None:
    with pytest.raises(InvalidValueError, match="lower-case letters, digits and hyphens"):
        application_name("fruits", run_id)
