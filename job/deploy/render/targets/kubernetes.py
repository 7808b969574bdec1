"""Converts the chart for `kubectl apply`: all objects, in the order to apply them."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from job.deploy.render.helm import SCHEDULE, Manifest, find_kind
from job.deploy.render.targets.common import RenderedTarget
from job.errors import InvalidValueError


def as_run(manifests: Sequence[Manifest]) -> RenderedTarget:
    """One run; nothing is omitted."""
    return RenderedTarget(as_yaml(manifests))


def as_schedule(manifests: Sequence[Manifest]) -> RenderedTarget:
    """A schedule of runs. Raises InvalidValueError if the values have no schedule."""
    if find_kind(SCHEDULE, manifests) is None:
        raise InvalidValueError(
            "--target is scheduled, and these values have no schedule",
            expected="a cron expression",
            fix="add --set schedule='0 3 * * *', or use --target kubernetes",
        )
    return RenderedTarget(as_yaml(manifests))


def as_yaml(manifests: Sequence[Manifest]) -> str:
    """The objects as a multi-document YAML text."""
    text: str = yaml.safe_dump_all(manifests, sort_keys=False, explicit_start=True)
    return text
