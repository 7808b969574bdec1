"""docs/lint.md matches the checks and their output."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from job.cli import main
from job.deploy.lint.registry import CHECKS, checks_by_family

DOCS = Path(__file__).parents[4] / "docs"


def test_the_tables_are_those_of_the_registry() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "docs.check_tables", "--check"], cwd=DOCS.parent, check=False
    )
    assert answer.returncode == 0, "fix: make manifests"


def test_each_check_has_a_name_and_a_sentence_of_its_own() -> None:
    described = [each for family in checks_by_family().values() for each in family.items()]
    assert len(dict(described)) == len(described) == len(CHECKS) + 4
    assert all(re.fullmatch(r"[A-Za-z`].*\.", finds) for _, finds in described)


@pytest.mark.usefixtures("helm")
def test_the_example_of_the_page_is_what_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("executor: {cores: 8}\n", encoding="utf-8")
    assert main(["lint", str(values)]) == 2
    page = (DOCS / "lint.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"(?:^    error: .*\n)(?:^      .*\n)+", page, re.MULTILINE)
    assert re.sub("^    ", "", block, flags=re.MULTILINE) in capsys.readouterr().out
