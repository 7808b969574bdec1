"""Renders the chart with helm: objects in the order in which to apply them."""

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
from job.deploy.render.schema_errors import SchemaViolationError, parse_violations
from job.errors import InvalidValueError, MissingPrerequisiteError

Manifest = dict[str, Any]

APPLICATION, SCHEDULE = "SparkApplication", "ScheduledSparkApplication"
# Settings of a run for EMR. The chart renders them only for this API version; not a real object.
EMR_JOB_RUN, EMR_API = "EmrJobRun", "image-features/emr"
# Prerequisites of a run come first, runs last, all other kinds in between.
_FIRST = ("ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "PodDisruptionBudget")
_LAST = (SCHEDULE, APPLICATION)
_TEMPLATE_ERROR = re.compile(r"execution error at \(.*?\): (.*)")
_ALL_VALUES = "{{ .Values | toJson }}"


@dataclass(frozen=True)
class Chart:
    """A release of the chart: values files and `--set` pairs as in helm; later ones win.

    `run_id` None: the values set it.
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
                    f"--values is {str(path)!r}, which is not a file",
                    expected="a YAML file of the chart's values",
                    fix=f"copy one of {resources.chart() / 'ci'}",
                )
        if any(pair.startswith("runId=") for pair in self.sets):
            raise InvalidValueError("--set has runId", expected="--run-id", fix="use --run-id")


def render(chart: Chart, api_versions: Sequence[str] = ()) -> list[Manifest]:
    """The objects of the chart, in the order in which to apply them.

    `api_versions` are those that the cluster serves, as in `helm template --api-versions`. Raises
    InvalidValueError with helm's message for invalid values, MissingPrerequisiteError without helm.
    """
    output = _run_helm(_command(chart, resources.chart(), api_versions))
    return sort_for_apply([manifest for manifest in yaml.safe_load_all(output) if manifest])


def merge_values(chart: Chart) -> dict[str, Any]:
    """All values as helm merges them, with the chart's defaults; not validated by the schema."""
    with tempfile.TemporaryDirectory() as folder:
        # A chart with the same defaults that only renders its values.
        (Path(folder) / "templates").mkdir()
        (Path(folder) / "templates" / "values.yaml").write_text(_ALL_VALUES, encoding="utf-8")
        for name in ("Chart.yaml", "values.yaml"):
            shutil.copy(resources.chart() / name, folder)
        rendered = _run_helm(_command(chart, Path(folder)))
    values: dict[str, Any] = json.loads(rendered[rendered.index("{") :])
    return values


def sort_for_apply(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Service accounts, permissions and policies first, objects that start a run last."""
    return sorted(manifests, key=lambda manifest: _rank(manifest["kind"]))


def find_kind(kind: str, manifests: Sequence[Manifest]) -> Manifest | None:
    """The object of a kind, None if there is none; the chart has at most one of each such kind."""
    return next((manifest for manifest in manifests if manifest["kind"] == kind), None)


def error_from_stderr(stderr: str) -> InvalidValueError:
    """The error for helm's messages on standard error, in one line."""
    if violations := parse_violations(stderr):
        fix = f"see {resources.chart() / 'README.md'} for the valid values"
        return SchemaViolationError.of(violations, fix=fix)
    if match := _TEMPLATE_ERROR.search(stderr):
        return InvalidValueError(match[1])
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return InvalidValueError(f"helm: {' '.join(lines).removeprefix('Error: ')}")


def _rank(kind: str) -> int:
    if kind in _FIRST:
        return _FIRST.index(kind)
    return len(_FIRST) + (1 + _LAST.index(kind) if kind in _LAST else 0)


def _run_helm(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise error_from_stderr(result.stderr)
    return result.stdout


def _command(chart: Chart, folder: Path, api_versions: Sequence[str] = ()) -> list[str]:
    command = [_helm(), "template", chart.release, str(folder), "--namespace", chart.namespace]
    # Tests are for `helm test`; otherwise each run would also start the test pod.
    command += ["--skip-tests"]
    for path in chart.values:
        command += ["--values", str(path)]
    for pair in chart.sets:
        command += ["--set", pair]
    for version in api_versions:
        command += ["--api-versions", version]
    # In helm, --set-string wins over --set.
    return command if chart.run_id is None else [*command, "--set-string", f"runId={chart.run_id}"]


def _helm() -> str:
    path = shutil.which("helm")
    if path is None:
        raise MissingPrerequisiteError(
            "there is no helm on PATH",
            expected="helm 3",
            fix="see https://helm.sh/docs/intro/install",
        )
    return path
