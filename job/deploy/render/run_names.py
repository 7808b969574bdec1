"""The name of a run on a cluster: `<release>-<run id>`."""

from __future__ import annotations

import re

from job.config import new_run_id
from job.errors import InvalidValueError

# The chart's limit: pods and services of the application append to its name.
LONGEST_NAME = 40
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def application_name(release: str, run_id: str) -> str:
    """The SparkApplication of a run. Raises InvalidValueError for what cannot be a name."""
    require_label("--release", release)
    require_label("--run-id", run_id)
    name = f"{release}-{run_id}"
    if len(name) > LONGEST_NAME:
        raise InvalidValueError(
            f"the run would be named {name!r}, which is {len(name)} characters",
            expected=f"at most {LONGEST_NAME}",
            fix="shorten --run-id or --release",
        )
    return name


def fitting_run_id(release: str) -> str:
    """A new run id; after a long release name its random part is shorter."""
    return new_run_id()[: max(LONGEST_NAME - len(release) - 1, len("20260102t030405"))].rstrip("-")


def require_label(option: str, value: str) -> None:
    """Raise InvalidValueError unless `value` may be part of a Kubernetes name."""
    if not _LABEL.fullmatch(value):
        raise InvalidValueError(
            f"{option} is {value!r}",
            expected="small letters, digits and hyphens, with no hyphen at either end",
            fix=f"such as {option} fruits-2",
        )
