"""The name of a run on a cluster: `<release>-<run id>`."""

from __future__ import annotations

import re

from job.config import new_run_id
from job.errors import InvalidValueError

# The chart's limit: names of pods and services append to the application's name.
MAX_NAME_LENGTH = 40
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def application_name(release: str, run_id: str) -> str:
    """The name of a run's SparkApplication. Raises InvalidValueError for an invalid name."""
    require_label("--release", release)
    require_label("--run-id", run_id)
    name = f"{release}-{run_id}"
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidValueError(
            f"the run would be named {name!r}, which is {len(name)} characters",
            expected=f"at most {MAX_NAME_LENGTH}",
            fix="shorten --run-id or --release",
        )
    return name


def generate_run_id(release: str) -> str:
    """A new run id; its random part is shorter after a long release name."""
    return new_run_id()[: max(MAX_NAME_LENGTH - len(release) - 1, len("20260102t030405"))].rstrip(
        "-"
    )


def require_label(option: str, value: str) -> None:
    """Raise InvalidValueError unless `value` can be part of a Kubernetes name."""
    if not _LABEL.fullmatch(value):
        raise InvalidValueError(
            f"{option} is {value!r}",
            expected="lower-case letters, digits and hyphens, with no hyphen at either end",
            fix=f"use for example {option} fruits-2",
        )
