"""From values files to findings: merge, render, and ask each check."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from job.errors import InvalidValueError
from job.submit.complaints import RefusedValuesError
from job.submit.lint import schema
from job.submit.lint.arguments import job_arguments
from job.submit.lint.finding import Finding, error
from job.submit.lint.registry import CHECKS, REFUSED_BY_CHART, name_of
from job.submit.lint.subject import Node, Subject
from job.submit.rendered import (
    APPLICATION,
    SCHEDULE,
    Chart,
    Manifest,
    merged_values,
    render,
    the_one,
)

# The chart's own complaints are of the same form as ours.
_COMPLAINT = re.compile(r"(?P<what>.*?)(?:; expected (?P<expected>.*?))?(?:; fix: (?P<fix>.*))?")


def findings(chart: Chart, node: Node, cli: click.Command) -> list[Finding]:
    """All that is wrong with the values of a chart; `cli` is the job's command line.

    Values that the schema refuses are reported, and taken as left out, so that the rest is checked
    too. Raises InvalidValueError for what is no YAML, MissingPrerequisiteError without helm.
    """
    values = merged_values(chart)
    try:
        return _checked(values, render(chart), node, cli)
    except RefusedValuesError as error_of_schema:
        refused = error_of_schema.refused
        of_schema = [
            replace(each, check=schema.CHECK) for each in schema.findings_of(refused, values)
        ]
        left = _without(values, schema.refused_paths(refused))
        return of_schema + _findings_of_the_rest(chart, left, node, cli)
    except InvalidValueError as refusal:
        return [_of_template(refusal)]


def _findings_of_the_rest(
    chart: Chart, values: dict[str, Any], node: Node, cli: click.Command
) -> list[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.yaml"
        file.write_text(json.dumps(values), encoding="utf-8")
        rest = replace(chart, values=(file,), sets=())
        try:
            return _checked(merged_values(rest), render(rest), node, cli)
        except RefusedValuesError:
            return []
        except InvalidValueError as refusal:
            return [_of_template(refusal)]


def _checked(
    values: Mapping[str, Any], manifests: list[Manifest], node: Node, cli: click.Command
) -> list[Finding]:
    application = the_one(APPLICATION, manifests) or the_one(SCHEDULE, manifests)
    assert application is not None
    arguments = job_arguments(cli, values["command"], values["arguments"])
    subject = Subject(values, application, arguments, node)
    return [replace(each, check=name_of(check)) for check in CHECKS for each in check(subject)]


def _of_template(refusal: InvalidValueError) -> Finding:
    said = _COMPLAINT.fullmatch(str(refusal))
    assert said is not None
    why = said["what"] + (f"; expected {said['expected']}" if said["expected"] else "")
    fix = said["fix"] or "mend it, and run lint again for the rest"
    return replace(error("values", "", why, fix), check=REFUSED_BY_CHART)


def _without(values: Mapping[str, Any], paths: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """A copy of the values without what is at the paths."""
    left: dict[str, Any] = json.loads(json.dumps(values))
    for *sections, key in paths:
        at = left
        for section in sections:
            at = at.get(section, {})
        at.pop(key, None)
    return left
