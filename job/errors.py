"""The errors a person can mend, each with its exit code; the CLI turns them into one line."""

from __future__ import annotations

from typing import Self


class JobError(Exception):
    """A failure told in one line: what is wrong, what was expected, how to fix it."""

    exit_code = 1

    def __init__(self, what: str, *, expected: str = "", fix: str = "") -> None:
        self.what, self.expected, self.fix = what, expected, fix
        parts = [what, f"expected {expected}" if expected else "", f"fix: {fix}" if fix else ""]
        super().__init__("; ".join(part for part in parts if part))

    @classmethod
    def with_code(cls, what: str, exit_code: int) -> Self:
        """The error of this kind that ends with a code which is not that of all of its kind."""
        error = cls(what)
        error.exit_code = exit_code
        return error

    def __reduce__(self) -> tuple[object, ...]:
        # Python workers pickle what they raise; keyword arguments need help to survive it.
        return _rebuild, (type(self), self.what, self.expected, self.fix)


def _rebuild(kind: type[JobError], what: str, expected: str, fix: str) -> JobError:
    return kind(what, expected=expected, fix=fix)


class InvalidValueError(JobError):
    """An option has a value that cannot work; nothing has started."""

    exit_code = 2


class NoSuchObjectError(InvalidValueError):
    """The object that was asked for by name is not there."""


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
    """Another run holds the claim on the output."""

    exit_code = 7


class TransportError(JobError):
    """The storage did not answer, or refused for a passing reason, longer than we wait."""

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
    """An fs.s3a setting that the concurrent reader cannot honour; the s3a reader can."""

    exit_code = 2


class MissingPrerequisiteError(JobError):
    """A program, or a part of the cluster, that the command needs is not installed."""

    exit_code = 12


class OutOfMemoryError(JobError):
    """A process of the run was killed again and again, as happens for its memory."""

    exit_code = 13


class DriftError(JobError):
    """New images are unlike those of the fit; everything is written."""

    exit_code = 14


class RunFailedError(JobError):
    """A submitted run ended without success: its exit code becomes ours."""


class ChecksFailedError(JobError):
    """`doctor` has found something wrong: the code of the first such thing becomes ours."""


class FollowTimeoutError(JobError):
    """A submitted run was not followed to its end; it goes on."""

    # What `timeout` of coreutils answers.
    exit_code = 124


class FollowInterruptedError(FollowTimeoutError):
    """A person stopped following a submitted run; it goes on."""

    exit_code = 130
