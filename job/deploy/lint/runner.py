"""Lints a chart: merges the values, renders them, and runs each check."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from job.checks import check_name
from job.deploy.lint import parsing, schema
from job.deploy.lint.context import LintContext, Node
from job.deploy.lint.finding import Finding, error
from job.deploy.lint.registry import CHECKS, TEMPLATE_ERROR
from job.deploy.render.helm import (
    APPLICATION,
    SCHEDULE,
    Chart,
    Manifest,
    find_kind,
    merge_values,
    render,
)
from job.deploy.render.schema_errors import SchemaViolationError
from job.errors import InvalidValueError
from job.job_arguments import job_arguments

Keys = tuple[str, ...]

# Error messages of the chart have the form of JobError.
_ERROR_LINE = re.compile(r"(?P<what>.*?)(?:; expected (?P<expected>.*?))?(?:; fix: (?P<fix>.*))?")


def lint_chart(chart: Chart, node: Node, cli: click.Command) -> list[Finding]:
    """All findings about the values of a chart; `cli` is the job's command line.

    Values that cannot be used are reported and then removed, so that the other checks can run.
    Raises InvalidValueError for a file that is not YAML, MissingPrerequisiteError without helm.
    """
    values = merge_values(chart)
    unusable = _parsing_findings(values)
    try:
        manifests = render(chart)
    except SchemaViolationError as problem:
        unusable += _schema_findings(problem, values)
    except InvalidValueError as problem:
        if not unusable:
            return [_template_finding(problem)]
    else:
        if not unusable:
            return _run_checks(values, manifests, node, cli)
    remaining = _remove_paths(values, [path for path, _ in unusable])
    return [finding for _, finding in unusable] + _check_remaining(chart, remaining, node, cli)


def _check_remaining(
    chart: Chart, values: Mapping[str, Any], node: Node, cli: click.Command
) -> list[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values.yaml"
        file.write_text(json.dumps(values), encoding="utf-8")
        rest = replace(chart, values=(file,), sets=())
        try:
            return _run_checks(merge_values(rest), render(rest), node, cli)
        except InvalidValueError as problem:
            return [_template_finding(problem)]


def _parsing_findings(values: Mapping[str, Any]) -> list[tuple[Keys, Finding]]:
    nulls = [
        (path, replace(finding, check=parsing.NULL_VALUE))
        for path, finding in parsing.null_values(values)
    ]
    return nulls + [
        (path, replace(finding, check=parsing.UNPARSABLE_VALUE))
        for path, finding in parsing.unparsable_values(values)
    ]


def _schema_findings(
    problem: SchemaViolationError, values: Mapping[str, Any]
) -> list[tuple[Keys, Finding]]:
    findings = schema.schema_findings(problem.violations, values)
    return [(path, replace(finding, check=schema.SCHEMA_VIOLATION)) for path, finding in findings]


def _run_checks(
    values: Mapping[str, Any], manifests: Sequence[Manifest], node: Node, cli: click.Command
) -> list[Finding]:
    application = find_kind(APPLICATION, manifests) or find_kind(SCHEDULE, manifests)
    assert application is not None
    arguments = job_arguments(cli, values["command"], values["arguments"])
    context = LintContext(values, application, arguments, node)
    return [
        replace(finding, check=check_name(check)) for check in CHECKS for finding in check(context)
    ]


def _template_finding(problem: InvalidValueError) -> Finding:
    parts = _ERROR_LINE.fullmatch(str(problem))
    assert parts is not None
    why = parts["what"] + (f"; expected {parts['expected']}" if parts["expected"] else "")
    fix = parts["fix"] or "fix it, and run lint again for the other checks"
    return replace(error("values", None, why, fix), check=TEMPLATE_ERROR)


def _remove_paths(values: Mapping[str, Any], paths: Iterable[Keys]) -> dict[str, Any]:
    """A copy of the values without the given paths."""
    remaining: dict[str, Any] = json.loads(json.dumps(values))
    for *sections, key in paths:
        parent = remaining
        for section in sections:
            parent = parent.get(section, {})
        parent.pop(key, None)
    return remaining
