"""What the tests of upgrading say in a clone that lacks the earlier commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.releases import EARLIER_REVISION, RevisionMissingError, release_of


def test_a_commit_that_the_clone_lacks_is_an_error_with_the_command_that_fetches_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(RevisionMissingError, match="git fetch --unshallow"):
        release_of("0" * 40, tmp_path)


def test_the_files_of_a_commit_come_without_its_tests(tmp_path: Path) -> None:
    earlier = release_of(EARLIER_REVISION, tmp_path / "earlier")
    assert (earlier.root / "job" / "__main__.py").is_file()
    assert not (earlier.root / "tests").exists()
