"""`image-features render`: where output goes, and what each target requires."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from job import resources
from job.cli import main

CI = resources.chart() / "ci"
NAMES = ["--release", "fruits", "--run-id", "one"]
Output = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("helm")


def render(target: str, *more: str, values: str = "eks") -> int:
    file = str(CI / f"{values}.yaml")
    return main(["render", "--target", target, "--values", file, *NAMES, *more])


def test_standard_output_only_has_the_rendered_target(capsys: Output) -> None:
    assert render("kubernetes", "--namespace", "images") == 0
    said = capsys.readouterr()
    application = [*yaml.safe_load_all(said.out)][-1]
    assert application["kind"] == "SparkApplication"
    assert application["metadata"]["namespace"] == "images"
    assert said.err == ""


def test_output_may_go_to_a_file(tmp_path: Path, capsys: Output) -> None:
    file = tmp_path / "run.yaml"
    assert render("kubernetes", "-o", str(file)) == 0
    assert [*yaml.safe_load_all(file.read_text())][-1]["kind"] == "SparkApplication"
    assert capsys.readouterr().out == ""


def test_extra_files_go_to_a_folder_named_after_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    assert render("spark-submit", "--master", "k8s://https://host:6443") == 0
    said = capsys.readouterr()
    names = ("driver.yaml", "executor.yaml", "objects.yaml")
    for name in names:
        file = tmp_path / "fruits-one" / name
        assert file.is_file()
        assert str(file) in said.out
        assert f"written: {file}" in said.err
    assert "omitted: timeToLiveSeconds (nothing removes a finished driver" in said.err


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            "spark-submit",
            "--target is spark-submit, and there is no --master; expected",
        ),
        ("emr", "--target is emr, and there is no --virtual-cluster; expected the id"),
        ("scheduled", "--target is scheduled, and these values have no schedule; expected a cron"),
    ],
)
def test_a_missing_option_is_reported_and_nothing_is_written(
    target: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    assert render(target) == 2
    assert capsys.readouterr().err.startswith(f"image-features: {said}")
    assert [*tmp_path.iterdir()] == []


def test_a_schedule_is_rendered_as_one(capsys: Output) -> None:
    assert render("scheduled", values="scheduled") == 0
    kinds = [each["kind"] for each in yaml.safe_load_all(capsys.readouterr().out)]
    assert kinds[-1] == "ScheduledSparkApplication"


def test_a_single_run_of_a_schedule_reports_the_omitted_schedule(capsys: Output) -> None:
    assert render("kubernetes", values="scheduled") == 0
    said = capsys.readouterr()
    assert [*yaml.safe_load_all(said.out)][-1]["kind"] == "SparkApplication"
    assert said.err.startswith(
        "omitted: schedule (this target is a single run; use --target scheduled"
    )


@pytest.mark.parametrize(
    "more", [("-o", "driver.yaml"), ("-o", "x.sh", "--output-dir", "../values")]
)
def test_values_are_not_overwritten(
    more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    values = tmp_path / "values" / "driver.yaml"
    values.parent.mkdir()
    values.write_bytes((CI / "eks.yaml").read_bytes())
    monkeypatch.chdir(values.parent)
    target = ["--target", "spark-submit", "--master", "k8s://https://host:6443"]
    assert main(["render", *target, "--values", str(values), *NAMES, *more]) == 2
    assert "is a file of values, which would be overwritten" in capsys.readouterr().err
    assert values.read_bytes() == (CI / "eks.yaml").read_bytes()
    assert [*tmp_path.rglob("*.yaml")] == [values]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "file").touch()
    assert render("kubernetes", "-o", str(tmp_path / "file" / "run.yaml")) == 2
    assert "run.yaml cannot be written: " in capsys.readouterr().err


def test_a_name_that_is_too_long_is_reported(capsys: Output) -> None:
    assert render("kubernetes", "--run-id", "x" * 40) == 2
    assert "fix: shorten --run-id or --release" in capsys.readouterr().err


def test_a_policy_is_printed_and_the_trust_policy_is_a_file(tmp_path: Path, capsys: Output) -> None:
    provider = ["--oidc-provider", "oidc.test/id/0B"]
    assert render("iam", "--namespace", "images", "--output-dir", str(tmp_path), *provider) == 0
    said = capsys.readouterr()
    sids = [each["Sid"] for each in json.loads(said.out)["Statement"]]
    assert sids[:4] == ["ListInput", "ReadInput", "ListOutput", "ReadWriteOutput"]
    trust = (tmp_path / "trust-image-features.json").read_text()
    assert "arn:aws:iam::123456789012:oidc-provider/oidc.test/id/0B" in trust
    assert "system:serviceaccount:images:fruits-driver" in trust
    assert "omitted" not in said.err
