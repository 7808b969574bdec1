"""Writes the tables of checks in lint.md and doctor.md, from the registries of checks."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from job.checks import group_by_module
from job.deploy.doctor.registry import CLIENT_CHECKS
from job.deploy.lint import registry as lint
from job.pipeline.in_cluster.registry import IN_CLUSTER_CHECKS

DOCS = Path(__file__).parent
BETWEEN = re.compile(r"(?<=<!-- checks -->\n).*(?=<!-- end of checks -->)", re.DOTALL)
Families = Mapping[str, Mapping[str, str]]


def pages() -> dict[Path, str]:
    """The new text of each page."""
    places = {"From your machine": CLIENT_CHECKS, "In the cluster": IN_CLUSTER_CHECKS}
    doctors = "".join(
        f"\n### {place}\n{tables(group_by_module(check.function for check in checks))}"
        for place, checks in places.items()
    )
    written = {"lint.md": tables(lint.checks_by_family()), "doctor.md": doctors}
    return {DOCS / name: _with(DOCS / name, text) for name, text in written.items()}


def tables(families: Families) -> str:
    """A Markdown table for each family of checks."""
    return "\n" + "\n".join(_table(says, checks) for says, checks in families.items()) + "\n"


def _table(says: str, checks: Mapping[str, str]) -> str:
    rows = "".join(f"| `{name}` | {finds} |\n" for name, finds in checks.items())
    return f"**{says}**\n\n| check | finds |\n| --- | --- |\n{rows}"


def _with(page: Path, text: str) -> str:
    return BETWEEN.sub(lambda _: text, page.read_text(encoding="utf-8"))


def main() -> int:
    """Write the pages; with `--check` only return 1 if a page is out of date."""
    new = pages()
    if "--check" in sys.argv:
        return (
            0 if all(page.read_text(encoding="utf-8") == text for page, text in new.items()) else 1
        )
    for page, text in new.items():
        page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
