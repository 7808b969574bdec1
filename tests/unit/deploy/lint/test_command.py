"""The command line of lint: output and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from job import resources
from job.cli import main

EKS = str(resources.chart() / "ci" / "eks.yaml")
WRONG = Path(__file__).parent / "wrong"
WARNED = str(WRONG / "mutable-image-tag.yaml")
Output = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("helm")


def test_right_values_are_one_line_and_nothing_on_standard_output(capsys: Output) -> None:
    assert main(["lint", EKS]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{EKS}: nothing is wrong\n")


def test_findings_are_on_standard_output_and_their_number_on_the_other(capsys: Output) -> None:
    assert main(["lint", EKS, WARNED, "--set", "executor.memory=256m"]) == 2
    said = capsys.readouterr()
    assert said.out.startswith(
        "error: executor.memory: 256m  [heap-too-small]\n"
        "  why: Spark does not start with a heap below 450 MiB\n"
        "  fix: set executor.memory: 1g\n\n"
        "warning: image.tag: latest  [mutable-image-tag]\n"
    )
    assert said.err == f"image-features: {EKS} {WARNED}: 1 error, 1 warning\n"


def test_a_warning_ends_with_0_and_strictly_with_2(capsys: Output) -> None:
    assert main(["lint", EKS, WARNED]) == 0
    assert capsys.readouterr().err == f"{EKS} {WARNED}: 0 errors, 1 warning\n"
    assert main(["lint", EKS, WARNED, "--strict"]) == 2


def test_json_is_an_object_also_where_nothing_is_wrong(capsys: Output) -> None:
    assert main(["lint", EKS, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"errors": 0, "warnings": 0, "findings": []}


def test_a_file_that_is_no_yaml_is_one_line(tmp_path: Path, capsys: Output) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [\n", encoding="utf-8")
    assert main(["lint", str(broken)]) == 2
    assert "failed to parse" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--node-memory=16GB", "--node-cores=four"])
def test_a_node_of_no_size_is_refused(option: str, capsys: Output) -> None:
    assert main(["lint", EKS, option]) == 2
    assert "expected" in capsys.readouterr().err


def test_the_run_id_of_the_command_line_makes_the_name(capsys: Output) -> None:
    assert main(["lint", EKS, "--run-id", "x" * 40]) == 2
    assert "[template-error]" in capsys.readouterr().out
