"""Writes the table of values into the chart's README, from the `# --` comments of values.yaml."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parent / "image-features"
BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"
KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z0-9]+):")


def documented_values(text: str) -> Iterator[tuple[str, str]]:
    """(dotted key, description) for each `# --` comment, in the order of the file."""
    path: list[str] = []
    words: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("# -- "):
            words = [stripped[5:]]
        elif stripped.startswith("# ") and words:
            words.append(stripped[2:])
        elif found := KEY.match(line):
            path = [*path[: len(found["indent"]) // 2], found["key"]]
            if words:
                yield ".".join(path), " ".join(words)
            words = []


def table(text: str) -> str:
    """The Markdown table of all values with their defaults."""
    values = yaml.safe_load(text)
    rows = [
        f"| `{key}` | `{json.dumps(default_of(values, key))}` | {description} |"
        for key, description in documented_values(text)
    ]
    return "\n".join(["| Key | Default | Description |", "|---|---|---|", *rows]) + "\n"


def default_of(values: dict[str, Any], key: str) -> Any:
    """The value under a dotted key."""
    for part in key.split("."):
        values = values[part]
    return values


def with_table(readme: str, values: str) -> str:
    """The README with a new table."""
    before, rest = readme.split(BEGIN)
    return before + BEGIN + "\n" + table(values) + "\n" + END + rest.split(END)[1]


def main() -> int:
    """Write the README; `--check` only says whether it is as it would be written."""
    readme = CHART / "README.md"
    old = readme.read_text()
    new = with_table(old, (CHART / "values.yaml").read_text())
    if "--check" in sys.argv:
        return 0 if old == new else 1
    readme.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
