"""The chart for `kubectl apply`: all objects, in the order in which a cluster wants them."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from job.deploy.render.helm import SCHEDULE, Manifest, the_one
from job.deploy.render.targets.common import Converted
from job.errors import InvalidValueError


def as_run(manifests: Sequence[Manifest]) -> Converted:
    """One run: the operator takes every key of the chart."""
    return Converted(as_yaml(manifests))


def as_schedule(manifests: Sequence[Manifest]) -> Converted:
    """A schedule of runs. Raises InvalidValueError for values without one."""
    if the_one(SCHEDULE, manifests) is None:
        raise InvalidValueError(
            "--target is scheduled, and these values have no schedule",
            expected="a cron expression",
            fix="add --set schedule='0 3 * * *', or take --target kubernetes",
        )
    return Converted(as_yaml(manifests))


def as_yaml(manifests: Sequence[Manifest]) -> str:
    """Objects as one text of several documents."""
    text: str = yaml.safe_dump_all(manifests, sort_keys=False, explicit_start=True)
    return text
