"""The chart as helm renders it: objects in the order in which a cluster wants them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from job import resources
from job.errors import InvalidValueError, MissingPrerequisiteError

Manifest = dict[str, Any]

APPLICATION, SCHEDULE = "SparkApplication", "ScheduledSparkApplication"
# What the chart tells of a run to EMR alone: rendered where this API version is named, no object.
EMR_JOB_RUN, EMR_API = "EmrJobRun", "image-features/emr"
# What a run needs comes first, runs come last; kinds that are not named here come between.
_FIRST = ("ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "PodDisruptionBudget")
_LAST = (SCHEDULE, APPLICATION)
_SCHEMA_COMPLAINT = re.compile(r"^- (?:at )?(.*)$", re.MULTILINE)
_TEMPLATE_COMPLAINT = re.compile(r"execution error at \(.*?\): (.*)")
_POINTER = re.compile(r"^'/?([^']*)': ")


@dataclass(frozen=True)
class Chart:
    """What is rendered: values files and `--set` pairs, as helm takes them; later ones win."""

    release: str
    namespace: str
    run_id: str
    values: tuple[Path, ...]
    sets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for path in self.values:
            if not path.is_file():
                raise InvalidValueError(
                    f"--values is {str(path)!r}, which is no file",
                    expected="a YAML file of the chart's values",
                    fix=f"copy one of {resources.chart() / 'ci'}",
                )
        if any(pair.startswith("runId=") for pair in self.sets):
            raise InvalidValueError("--set has runId", expected="--run-id", fix="use --run-id")


def render(chart: Chart, api_versions: Sequence[str] = ()) -> list[Manifest]:
    """The objects of the chart, in the order to apply them.

    `api_versions` are those of the cluster that the chart asks for. Raises InvalidValueError with
    what helm says of wrong values, MissingPrerequisiteError where there is no helm.
    """
    answer = subprocess.run(
        _command(chart, api_versions), capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise refusal(answer.stderr)
    return in_order([each for each in yaml.safe_load_all(answer.stdout) if each])


def in_order(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Accounts, their rights and what guards pods, then the rest, then what starts a run."""
    return sorted(manifests, key=lambda manifest: _place(manifest["kind"]))


def the_one(kind: str, manifests: Sequence[Manifest]) -> Manifest | None:
    """The object of a kind of which the chart has one at most."""
    return next((manifest for manifest in manifests if manifest["kind"] == kind), None)


def refusal(said: str) -> InvalidValueError:
    """What helm said on standard error, as one line."""
    if complaints := _SCHEMA_COMPLAINT.findall(said):
        return InvalidValueError(
            f"the chart refuses these values: {'; '.join(map(_with_dots, complaints))}",
            fix=f"see {resources.chart() / 'README.md'} for what there is",
        )
    if complaint := _TEMPLATE_COMPLAINT.search(said):
        return InvalidValueError(complaint[1])
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return InvalidValueError(f"helm: {' '.join(lines).removeprefix('Error: ')}")


def _with_dots(complaint: str) -> str:
    """`'/driver/cores': got string` as `driver.cores: got string`, which is how --set names it."""
    pointer = _POINTER.match(complaint)
    if pointer is None:
        return complaint
    key = pointer[1].replace("/", ".")
    return f"{key}: {complaint[pointer.end() :]}" if key else complaint[pointer.end() :]


def _place(kind: str) -> int:
    if kind in _FIRST:
        return _FIRST.index(kind)
    return len(_FIRST) + (1 + _LAST.index(kind) if kind in _LAST else 0)


def _command(chart: Chart, api_versions: Sequence[str]) -> list[str]:
    command = [_helm(), "template", chart.release, str(resources.chart())]
    command += ["--namespace", chart.namespace]
    for path in chart.values:
        command += ["--values", str(path)]
    for pair in chart.sets:
        command += ["--set", pair]
    for version in api_versions:
        command += ["--api-versions", version]
    # helm lets --set-string win over --set.
    return [*command, "--set-string", f"runId={chart.run_id}"]


def _helm() -> str:
    found = shutil.which("helm")
    if found is None:
        raise MissingPrerequisiteError(
            "there is no helm on PATH",
            expected="helm 3",
            fix="see https://helm.sh/docs/intro/install",
        )
    return found
