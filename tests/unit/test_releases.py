"""The earlier release that the tests of upgrading check out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.releases import EARLIER_REVISION, RevisionMissingError, release_of


def test_the_error_for_a_missing_commit_names_the_command_that_fetches_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(RevisionMissingError, match="git fetch --unshallow"):
        release_of("0" * 40, tmp_path)


def test_an_earlier_release_has_no_tests(tmp_path: Path) -> None:
    earlier = release_of(EARLIER_REVISION, tmp_path / "earlier")
    assert (earlier.root / "job" / "__main__.py").is_file()
    assert not (earlier.root / "tests").exists()
