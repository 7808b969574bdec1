"""Runs the job of this checkout and the job of an earlier commit, as `python -m job`."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.job_process import CHECKOUT, Job, job

# Outputs of this commit stay usable. The commit runs with the libraries of this checkout.
EARLIER_REVISION = "3e824d8"
FORMER_OPTIONS = {"--batch-images": "--portion-images", "--lease-seconds": "--claim-seconds"}


class RevisionMissingError(Exception):
    """Git lacks the files of a commit, usually because the clone is shallow."""


@dataclass(frozen=True)
class Release:
    """A version of the job: the folder with its package `job`, and the Python that runs it."""

    root: Path
    # The names of options in this version, by their current names.
    former_options: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def start(self, *arguments: str, environment: Mapping[str, str]) -> AbstractContextManager[Job]:
        """Start a command; the context kills it at the end."""
        words = [self.former_options.get(argument, argument) for argument in arguments]
        return job(*words, environment=environment, root=self.root, python=self.python)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a command, which must succeed; returns its standard error."""
        with self.start(*arguments, environment=environment or os.environ) as running:
            assert running.end() == 0, running.output()[-3000:]
            return running.output()


def this_release() -> Release:
    """The job of this checkout."""
    return Release(CHECKOUT)


def release_of(revision: str, folder: Path) -> Release:
    """The job of a commit; extracts its files, without its tests, to `folder`.

    Raises RevisionMissingError.
    """
    # The tests of the commit would hide the tests of this checkout.
    archive = ["git", "archive", revision, "--", ".", ":(exclude)tests"]
    process = subprocess.run(archive, cwd=CHECKOUT, capture_output=True, check=False)
    if process.returncode != 0:
        raise RevisionMissingError(
            f"git has no files of commit {revision}: {process.stderr.decode().strip()}; "
            "fix: run `git fetch --unshallow` in this clone"
        )
    with tarfile.open(fileobj=io.BytesIO(process.stdout)) as files:
        files.extractall(folder, filter="data")
    return Release(folder, FORMER_OPTIONS)
