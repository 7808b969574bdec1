"""Writes the tables of checks into lint.md, from the registry of the checks."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from job.submit.lint.registry import families

PAGE = Path(__file__).with_name("lint.md")
BETWEEN = re.compile(r"(?<=<!-- checks -->\n).*(?=<!-- end of checks -->)", re.DOTALL)


def tables() -> str:
    """A Markdown table for each family of checks."""
    return "\n" + "".join(map("{}\n".format, map(_table, families().items())))


def _table(family: tuple[str, dict[str, str]]) -> str:
    says, checks = family
    rows = "".join(f"| `{name}` | {finds} |\n" for name, finds in checks.items())
    return f"**{says}**\n\n| check | finds |\n| --- | --- |\n{rows}"


def main() -> int:
    """Write the page; `--check` only says whether it is as it would be written."""
    old = PAGE.read_text(encoding="utf-8")
    new = BETWEEN.sub(lambda _: tables(), old)
    if "--check" in sys.argv:
        return 0 if old == new else 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
