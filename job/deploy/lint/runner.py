"""From values files to findings: merge, render, and ask each check."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from job.checks import name_of
from job.deploy.lint import parsing, schema
from job.deploy.lint.context import Node, Subject
from job.deploy.lint.finding import Finding, error
from job.deploy.lint.registry import CHECKS, REFUSED_BY_CHART
from job.deploy.render.helm import (
    APPLICATION,
    SCHEDULE,
    Chart,
    Manifest,
    merged_values,
    render,
    the_one,
)
from job.deploy.render.schema_errors import RefusedValuesError
from job.errors import InvalidValueError
from job.job_arguments import job_arguments

Keys = tuple[str, ...]

# The chart's own complaints are of the same form as ours.
_COMPLAINT = re.compile(r"(?P<what>.*?)(?:; expected (?P<expected>.*?))?(?:; fix: (?P<fix>.*))?")


def findings(chart: Chart, node: Node, cli: click.Command) -> list[Finding]:
    """All that is wrong with the values of a chart; `cli` is the job's command line.

    Values that cannot be read are reported, and taken as left out, so that the rest is checked
    too. Raises InvalidValueError for what is no YAML, MissingPrerequisiteError without helm.
    """
    values = merged_values(chart)
    wrong = _unreadable(values)
    try:
        manifests = render(chart)
    except RefusedValuesError as said:
        wrong += _refused(said, values)
    except InvalidValueError as said:
        if not wrong:
            return [_of_template(said)]
    else:
        if not wrong:
            return _checked(values, manifests, node, cli)
    left = _without(values, [path for path, _ in wrong])
    return [finding for _, finding in wrong] + _findings_of_the_rest(chart, left, node, cli)


def _findings_of_the_rest(
    chart: Chart, values: Mapping[str, Any], node: Node, cli: click.Command
) -> list[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.yaml"
        file.write_text(json.dumps(values), encoding="utf-8")
        rest = replace(chart, values=(file,), sets=())
        try:
            return _checked(merged_values(rest), render(rest), node, cli)
        except InvalidValueError as said:
            return [_of_template(said)]


def _unreadable(values: Mapping[str, Any]) -> list[tuple[Keys, Finding]]:
    nulled = [
        (path, replace(each, check=parsing.NULLED)) for path, each in parsing.nulled_values(values)
    ]
    return nulled + [
        (path, replace(each, check=parsing.UNREADABLE))
        for path, each in parsing.unreadable_values(values)
    ]


def _refused(said: RefusedValuesError, values: Mapping[str, Any]) -> list[tuple[Keys, Finding]]:
    found = schema.findings_of(said.refused, values)
    return [(path, replace(each, check=schema.CHECK)) for path, each in found]


def _checked(
    values: Mapping[str, Any], manifests: Sequence[Manifest], node: Node, cli: click.Command
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
    return replace(error("values", None, why, fix), check=REFUSED_BY_CHART)


def _without(values: Mapping[str, Any], paths: Iterable[Keys]) -> dict[str, Any]:
    """A copy of the values without what is at the paths."""
    left: dict[str, Any] = json.loads(json.dumps(values))
    for *sections, key in paths:
        at = left
        for section in sections:
            at = at.get(section, {})
        at.pop(key, None)
    return left
