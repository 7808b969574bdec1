"""The job of this checkout and the job of an earlier commit, each run as `python -m job`."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.job_process import CHECKOUT, Job, job

# Outputs of this commit stay usable. It runs with the libraries that this checkout has installed.
EARLIER_REVISION = "3e824d8"
FORMER_OPTIONS = {"--batch-images": "--portion-images", "--lease-seconds": "--claim-seconds"}


class RevisionMissingError(Exception):
    """Git cannot give the files of a commit, most often because the clone is shallow."""


@dataclass(frozen=True)
class Release:
    """One version of the job: the folder that holds its package `job`."""

    root: Path
    # The names of options in this version, by their present names.
    former_options: Mapping[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, environment: Mapping[str, str]) -> AbstractContextManager[Job]:
        """The running command, as a context that it does not outlive."""
        named = [self.former_options.get(argument, argument) for argument in arguments]
        return job(*named, environment=environment, root=self.root)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run the command, which must succeed; what it wrote to standard error."""
        with self.start(*arguments, environment=environment or os.environ) as running:
            assert running.end() == 0, running.told()[-3000:]
            return running.told()


def this_release() -> Release:
    """The job of this checkout."""
    return Release(CHECKOUT)


def release_of(revision: str, folder: Path) -> Release:
    """The job of a commit, its files (without its tests) put into `folder`.

    Raises RevisionMissingError.
    """
    # Tests of the commit would hide those of this checkout.
    archive = ["git", "archive", revision, "--", ".", ":(exclude)tests"]
    answer = subprocess.run(archive, cwd=CHECKOUT, capture_output=True, check=False)
    if answer.returncode != 0:
        raise RevisionMissingError(
            f"git has no files of commit {revision}: {answer.stderr.decode().strip()}; "
            "fix: run `git fetch --unshallow` in this clone"
        )
    with tarfile.open(fileobj=io.BytesIO(answer.stdout)) as files:
        files.extractall(folder, filter="data")
    return Release(folder, FORMER_OPTIONS)
