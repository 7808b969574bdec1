"""Schedules: cron expression, time zone, and work that each run repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from job.deploy.lint.context import LintContext
from job.deploy.lint.finding import Finding, error, warning

_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_EVERY = re.compile(r"@every ((\d+(\.\d+)?)(ns|us|ms|s|m|h))+")
# (name, minimum, maximum) of each field, as the operator's cron parser accepts them.
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
_NAMES = {
    "month": ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    "weekday": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
_PART = re.compile(r"(?:\*|\?|(\w+)(?:-(\w+))?)(?:/(\d+))?")


def invalid_schedule(context: LintContext) -> Iterator[Finding]:
    """A schedule that the operator cannot parse: it never runs."""
    schedule = context.value("schedule")
    problem = _problem(schedule)
    if problem:
        why = f"the operator cannot parse it ({problem}), and it never runs"
        yield error("schedule", schedule, why, 'write five fields such as "0 3 * * *"')


def invalid_time_zone(context: LintContext) -> Iterator[Finding]:
    """The time zone of a schedule does not exist."""
    zone = context.value("timeZone")
    if not context.is_scheduled:
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        why = "there is no such time zone, and the schedule fails"
        yield error("timeZone", zone, why, "write a name such as Europe/Berlin, or UTC")


def refeaturize_on_schedule(context: LintContext) -> Iterator[Finding]:
    """Each run of a schedule featurizes all images again."""
    if context.is_scheduled and context.arguments.options.get("refeaturize"):
        why = "each run of the schedule featurizes, and pays for, all images instead of new ones"
        arguments = list(context.arguments.words)
        fix = "leave --refeaturize out, and run it once by hand"
        yield warning("arguments", arguments, why, fix)


def _problem(schedule: str) -> str:
    """The problem with a schedule; empty if it is valid, or if there is none."""
    if schedule.startswith("@"):
        is_known = schedule in _DESCRIPTORS or _EVERY.fullmatch(schedule)
        return "" if is_known else f"no such descriptor as {schedule.split()[0]}"
    for (name, low, high), text in zip(_FIELDS, schedule.split(), strict=False):
        for part in text.split(","):
            if not _is_field(part, name, low, high):
                return f"{name} is {part}, allowed are {low} to {high}"
    return ""


def _is_field(part: str, name: str, low: int, high: int) -> bool:
    match = _PART.fullmatch(part)
    if match is None or match[3] == "0":
        return False
    texts = [text for text in match.groups()[:2] if text is not None]
    ends = [number for text in texts if (number := _number(text, name, low)) is not None]
    bounds = [low, *ends, high]
    return len(ends) == len(texts) and bounds == sorted(bounds)


def _number(text: str, name: str, low: int) -> int | None:
    names = _NAMES.get(name, [])
    if text.lower() in names:
        return names.index(text.lower()) + low
    return int(text) if text.isdigit() else None
