"""Wrong values files give the expected findings, right ones give none; via the command line.

The comment at the top of a file has the base file (in the chart's ci folder), options, and the
expected findings: severity, check, key, and a part of why or fix.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from job import resources
from job.cli import main
from job.deploy.lint.registry import checks_by_family

HERE = Path(__file__).parent
EXAMPLES = resources.chart() / "ci"
WRONG, RIGHT = (sorted((HERE / folder).glob("*.yaml")) for folder in ("wrong", "right"))
SECRET = re.compile("swordfish|AKIA")
WITH_SECRETS = [file for file in WRONG if SECRET.search(file.read_text(encoding="utf-8"))]
EXPECTED = re.compile(r"(?P<severity>error|warning) (?P<check>\S+) (?P<key>.+?): (?P<part>.+)")

pytestmark = pytest.mark.usefixtures("helm")


@dataclass(frozen=True)
class Case:
    """The header of a values file."""

    file: Path
    over: tuple[str, ...]
    options: tuple[str, ...]
    expected: tuple[re.Match[str], ...]

    @classmethod
    def of(cls, file: Path) -> Case:
        said: dict[str, list[str]] = {"over": [], "options": [], "expect": []}
        for line in file.read_text(encoding="utf-8").splitlines():
            if found := re.match(r"# (over|options|expect): (.*)", line):
                said[found[1]].append(found[2])
        matches = [EXPECTED.fullmatch(text) for text in said["expect"]]
        expected = tuple(match for match in matches if match is not None)
        assert len(expected) == len(matches), f"{file}: unreadable expectation"
        over = tuple(str(EXAMPLES / name) for name in said["over"])
        return cls(file, over, tuple(shlex.split(" ".join(said["options"]))), expected)

    @property
    def command(self) -> list[str]:
        return ["lint", *self.over, str(self.file), *self.options]


def linted(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[dict[str, Any]]]:
    code = main([*command, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)["findings"]


@pytest.mark.parametrize("file", WRONG, ids=lambda file: file.stem)
def test_wrong_values_are_reported_with_the_fix(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = Case.of(file)
    code, found = linted(case.command, capsys)
    reported = sorted((each["severity"], each["check"], each["key"]) for each in found)
    assert reported == sorted(
        (each["severity"], each["check"], each["key"]) for each in case.expected
    )
    for each in case.expected:
        said = [f"{one['why']} {one['fix']}" for one in found if one["check"] == each["check"]]
        assert any(each["part"] in text for text in said), said
    assert code == (2 if any(each["severity"] == "error" for each in found) else 0)


@pytest.mark.parametrize("file", [*RIGHT, *sorted(EXAMPLES.glob("*.yaml"))], ids=lambda f: f.stem)
def test_right_values_have_no_findings(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert linted(Case.of(file).command, capsys) == (0, [])


@pytest.mark.parametrize("file", WITH_SECRETS, ids=lambda file: file.stem)
def test_no_secret_is_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(Case.of(file).command)
    said = capsys.readouterr()
    assert not SECRET.search(said.out + said.err)


def test_each_check_has_a_wrong_file() -> None:
    checked = {each["check"] for file in WRONG for each in Case.of(file).expected}
    assert checked == {name for family in checks_by_family().values() for name in family}


def test_there_are_enough_example_files() -> None:
    assert len(WRONG) >= 40
    assert len(RIGHT) >= 20
