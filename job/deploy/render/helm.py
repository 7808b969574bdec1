"""The chart as helm renders it: objects in the order in which a cluster wants them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from job import resources
from job.deploy.render.schema_errors import RefusedValuesError, complaints
from job.errors import InvalidValueError, MissingPrerequisiteError

Manifest = dict[str, Any]

APPLICATION, SCHEDULE = "SparkApplication", "ScheduledSparkApplication"
# What the chart tells of a run to EMR alone: rendered where this API version is named, no object.
EMR_JOB_RUN, EMR_API = "EmrJobRun", "image-features/emr"
# What a run needs comes first, runs come last; kinds that are not named here come between.
_FIRST = ("ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "PodDisruptionBudget")
_LAST = (SCHEDULE, APPLICATION)
_TEMPLATE_COMPLAINT = re.compile(r"execution error at \(.*?\): (.*)")
_ALL_VALUES = "{{ .Values | toJson }}"


@dataclass(frozen=True)
class Chart:
    """What is rendered: values files and `--set` pairs, as helm takes them; later ones win.

    `run_id` None leaves it to the values.
    """

    release: str
    namespace: str
    run_id: str | None
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
    said = _said(_command(chart, resources.chart(), api_versions))
    return in_order([each for each in yaml.safe_load_all(said) if each])


def merged_values(chart: Chart) -> dict[str, Any]:
    """All values as helm merges them, the chart's defaults included; the schema is not asked."""
    with tempfile.TemporaryDirectory() as folder:
        # A chart that has the same defaults, and renders nothing but its values.
        (Path(folder) / "templates").mkdir()
        (Path(folder) / "templates" / "values.yaml").write_text(_ALL_VALUES, encoding="utf-8")
        for name in ("Chart.yaml", "values.yaml"):
            shutil.copy(resources.chart() / name, folder)
        rendered = _said(_command(chart, Path(folder)))
    values: dict[str, Any] = json.loads(rendered[rendered.index("{") :])
    return values


def in_order(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Accounts, their rights and what guards pods, then the rest, then what starts a run."""
    return sorted(manifests, key=lambda manifest: _place(manifest["kind"]))


def the_one(kind: str, manifests: Sequence[Manifest]) -> Manifest | None:
    """The object of a kind of which the chart has one at most."""
    return next((manifest for manifest in manifests if manifest["kind"] == kind), None)


def refusal(said: str) -> InvalidValueError:
    """What helm said on standard error, as one line."""
    if refused := complaints(said):
        see = f"see {resources.chart() / 'README.md'} for what there is"
        return RefusedValuesError.of(refused, fix=see)
    if complaint := _TEMPLATE_COMPLAINT.search(said):
        return InvalidValueError(complaint[1])
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return InvalidValueError(f"helm: {' '.join(lines).removeprefix('Error: ')}")


def _place(kind: str) -> int:
    if kind in _FIRST:
        return _FIRST.index(kind)
    return len(_FIRST) + (1 + _LAST.index(kind) if kind in _LAST else 0)


def _said(command: list[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise refusal(answer.stderr)
    return answer.stdout


def _command(chart: Chart, folder: Path, api_versions: Sequence[str] = ()) -> list[str]:
    command = [_helm(), "template", chart.release, str(folder), "--namespace", chart.namespace]
    # A test is for `helm test`; with the rest it would be a pod beside each run.
    command += ["--skip-tests"]
    for path in chart.values:
        command += ["--values", str(path)]
    for pair in chart.sets:
        command += ["--set", pair]
    for version in api_versions:
        command += ["--api-versions", version]
    # helm lets --set-string win over --set.
    return command if chart.run_id is None else [*command, "--set-string", f"runId={chart.run_id}"]


def _helm() -> str:
    found = shutil.which("helm")
    if found is None:
        raise MissingPrerequisiteError(
            "there is no helm on PATH",
            expected="helm 3",
            fix="see https://helm.sh/docs/intro/install",
        )
    return found
