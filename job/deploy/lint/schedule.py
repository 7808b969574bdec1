"""When a schedule runs, and what each of its runs would repeat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from job.deploy.lint.context import Subject
from job.deploy.lint.finding import Finding, error, warning

_WORDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_EVERY = re.compile(r"@every ((\d+(\.\d+)?)(ns|us|ms|s|m|h))+")
# Least and most of minute, hour, day, month and day of the week, as the operator's cron takes them.
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
_NAMES = {
    "month": ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    "weekday": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
_PART = re.compile(r"(?:\*|\?|(\w+)(?:-(\w+))?)(?:/(\d+))?")


def schedule_that_is_none(subject: Subject) -> Iterator[Finding]:
    """A schedule that the operator cannot read: it would never run."""
    schedule = subject.value("schedule")
    problem = _problem(schedule)
    if problem:
        why = f"the operator cannot read it ({problem}), and nothing would ever run"
        yield error("schedule", schedule, why, 'write five fields such as "0 3 * * *"')


def time_zone_that_is_none(subject: Subject) -> Iterator[Finding]:
    """A time zone of a schedule that nobody knows."""
    zone = subject.value("timeZone")
    if not subject.is_scheduled:
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        why = "there is no such time zone, and the schedule would fail"
        yield error("timeZone", zone, why, "write a name such as Europe/Berlin, or UTC")


def all_anew_each_time(subject: Subject) -> Iterator[Finding]:
    """A schedule that featurizes all images again in each run."""
    if subject.is_scheduled and subject.arguments.options.get("refeaturize"):
        why = "each run of the schedule would featurize all images, not only new ones, and cost so"
        given = list(subject.arguments.given)
        yield warning("arguments", given, why, "leave --refeaturize out, and run it once by hand")


def _problem(schedule: str) -> str:
    """What is wrong with a schedule; empty for a good one, and for none."""
    if schedule.startswith("@"):
        known = schedule in _WORDS or _EVERY.fullmatch(schedule)
        return "" if known else f"no such word as {schedule.split()[0]}"
    for (name, least, most), text in zip(_FIELDS, schedule.split(), strict=False):
        for part in text.split(","):
            if not _is_field(part, name, least, most):
                return f"{name} is {part}, of {least} to {most}"
    return ""


def _is_field(part: str, name: str, least: int, most: int) -> bool:
    found = _PART.fullmatch(part)
    if found is None or found[3] == "0":
        return False
    given = [end for end in found.groups()[:2] if end is not None]
    ends = [number for end in given if (number := _number(end, name, least)) is not None]
    in_order = [least, *ends, most]
    return len(ends) == len(given) and in_order == sorted(in_order)


def _number(text: str, name: str, least: int) -> int | None:
    names = _NAMES.get(name, [])
    if text.lower() in names:
        return names.index(text.lower()) + least
    return int(text) if text.isdigit() else None
