"""User errors, each with its exit code; the CLI prints them as one line."""

from __future__ import annotations

from typing import Self


class JobError(Exception):
    """A failure that fits on one line: what is wrong, what was expected, how to fix it."""

    exit_code = 1

    def __init__(self, what: str, *, expected: str = "", fix: str = "") -> None:
        self.what, self.expected, self.fix = what, expected, fix
        parts = [what, f"expected {expected}" if expected else "", f"fix: {fix}" if fix else ""]
        super().__init__("; ".join(part for part in parts if part))

    @classmethod
    def with_code(cls, what: str, exit_code: int) -> Self:
        """An error of this class with another exit code."""
        error = cls(what)
        error.exit_code = exit_code
        return error

    def __reduce__(self) -> tuple[object, ...]:
        # Python workers pickle their exceptions; by default that loses keyword arguments.
        return _rebuild, (type(self), self.what, self.expected, self.fix)


def _rebuild(kind: type[JobError], what: str, expected: str, fix: str) -> JobError:
    return kind(what, expected=expected, fix=fix)


class InvalidValueError(JobError):
    """An option has a wrong value; nothing has started."""

    exit_code = 2


class NoSuchObjectError(InvalidValueError):
    """An object that was requested by name does not exist."""


class InputNotFoundError(JobError):
    """The input does not exist, is empty, or holds no image."""

    exit_code = 3


class DamagedTableError(JobError):
    """A table of the output lacks some of its files."""

    exit_code = 3


class AccessDeniedError(JobError):
    """Credentials are missing or refused, or the output cannot be written."""

    exit_code = 4


class FingerprintMismatchError(JobError):
    """The output holds features of another fingerprint."""

    exit_code = 5


class IncompatibleBundleError(JobError):
    """A scaler + PCA bundle does not belong to these features, or cannot be read."""

    exit_code = 5


class IncompatibleClassifierError(JobError):
    """A saved classifier does not belong to these features, or cannot be read."""

    exit_code = 5


class TooManyBadImagesError(JobError):
    """More images went to quarantine than allowed; everything else is written."""

    exit_code = 6


class OutputBusyError(JobError):
    """Another run holds the lease on the output."""

    exit_code = 7


class TransportError(JobError):
    """The storage did not answer, or failed for a transient reason, until retries ended."""

    exit_code = 8


class DropRefusedError(JobError):
    """The run would drop more rows than it may without --allow-drop."""

    exit_code = 9


class AccountingError(JobError):
    """listed = featurized + reused + quarantined does not hold."""

    exit_code = 10


class WeightsError(JobError):
    """The weights file is missing, damaged, or of another network."""

    exit_code = 11


class UnmappableSettingError(JobError):
    """The concurrent reader does not support an fs.s3a setting; the s3a reader does."""

    exit_code = 2


class MissingPrerequisiteError(JobError):
    """A program, or a part of the cluster, that the command needs is not installed."""

    exit_code = 12


class OutOfMemoryError(JobError):
    """A process of the run was killed repeatedly, most likely because it had too little memory."""

    exit_code = 13


class DriftError(JobError):
    """New images differ from the images of the fit; everything is written."""

    exit_code = 14


class RunFailedError(JobError):
    """A submitted run failed; its exit code becomes the exit code of the command."""


class ChecksFailedError(JobError):
    """A check of `doctor` failed; the exit code is that of the first failed check."""


class FollowTimeoutError(JobError):
    """A submitted run was not followed to its end; the run continues."""

    # The exit code of `timeout` in coreutils.
    exit_code = 124


class FollowInterruptedError(FollowTimeoutError):
    """The user stopped following a submitted run; the run continues."""

    exit_code = 130
