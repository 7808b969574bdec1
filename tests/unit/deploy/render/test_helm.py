"""The chart, rendered by the real helm, and helm's errors for invalid values."""

from __future__ import annotations

from pathlib import Path

import pytest

from job import resources
from job.deploy.render.helm import (
    EMR_API,
    EMR_JOB_RUN,
    Chart,
    error_from_stderr,
    find_kind,
    render,
    sort_for_apply,
)
from job.errors import InvalidValueError, MissingPrerequisiteError

EXAMPLES = sorted((resources.chart() / "ci").glob("*.yaml"))
REFUSED = "the chart rejects these values: "
KIND = resources.chart() / "ci" / "kind.yaml"
FOR_CLUSTERS = [path for path in EXAMPLES if not path.name.startswith("emr")]


def chart(*values: Path, sets: tuple[str, ...] = (), run_id: str = "one") -> Chart:
    return Chart("fruits", "images", run_id, values, sets)


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize("values", FOR_CLUSTERS, ids=lambda path: path.stem)
def test_each_example_renders_with_what_starts_the_run_last(values: Path) -> None:
    manifests = render(chart(values))
    kinds = [manifest["kind"] for manifest in manifests]
    assert kinds[:4] == ["ServiceAccount", "ServiceAccount", "Role", "RoleBinding"]
    assert kinds[-1] in ("SparkApplication", "ScheduledSparkApplication")
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {"images"}


@pytest.mark.usefixtures("helm")
def test_the_run_id_names_the_application_whatever_it_looks_like() -> None:
    application = find_kind("SparkApplication", render(chart(KIND, run_id="0123")))
    assert application is not None
    assert application["metadata"]["name"] == "fruits-0123"


@pytest.mark.usefixtures("helm")
def test_later_values_win_and_set_wins_over_all(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("driver: {memory: 3g}\nexecutor: {memory: 3g}\n")
    manifests = render(chart(KIND, mine, sets=("executor.memory=4g", "image.tag=other")))
    application = find_kind("SparkApplication", manifests)
    assert application is not None
    spec = application["spec"]
    assert (spec["driver"]["memory"], spec["executor"]["memory"]) == ("3g", "4g")
    assert spec["image"] == "image-features:other"


@pytest.mark.usefixtures("helm")
def test_a_pod_monitor_is_rendered_where_the_cluster_knows_it() -> None:
    api = "monitoring.coreos.com/v1"
    assert find_kind("PodMonitor", render(chart(KIND))) is None
    assert find_kind("PodMonitor", render(chart(KIND), (api, f"{api}/PodMonitor"))) is not None


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("bogus=1", f"{REFUSED}additional properties 'bogus' not allowed"),
        (
            "driver.cores=x",
            "the chart rejects these values: driver.cores: got string, want integer",
        ),
        ("s3.secretName=", "s3.secretName is empty; expected the name of a Secret"),
        ("a", 'helm: failed parsing --set data: key "a" has no value'),
    ],
)
def test_a_wrong_value_is_reported_in_one_line(pair: str, said: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        render(chart(KIND, sets=(pair,)))
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("helm")
def test_a_values_file_that_is_not_yaml_is_reported_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [\n")
    with pytest.raises(InvalidValueError, match=r"helm: failed to parse .*broken\.yaml") as error:
        render(chart(broken))
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_the_settings_for_emr_are_not_an_object_of_a_cluster(values: Path) -> None:
    assert find_kind(EMR_JOB_RUN, render(chart(values))) is None
    needed = ("emr.executionRoleArn=arn:aws:iam::123456789012:role/emr", "emr.podTemplates=s3://b/")
    asked = find_kind(EMR_JOB_RUN, render(chart(values, sets=needed), [EMR_API]))
    assert asked is not None
    assert asked["spec"]["podTemplates"] == "s3://b"


def test_several_schema_violations_are_one_line() -> None:
    said = (
        "Error: values don't meet the specifications of the schema(s) in the following chart(s):\n"
        "image-features:\n"
        "- at '/executor/cores': got string, want integer\n"
        "- at '': additional properties 'bogus' not allowed\n\n"
    )
    assert str(error_from_stderr(said)).startswith(
        "the chart rejects these values: executor.cores: got string, want integer; "
        "additional properties 'bogus' not allowed; fix: see "
    )


def test_a_values_file_that_is_missing_is_named() -> None:
    with pytest.raises(
        InvalidValueError, match=r"--values is 'nowhere\.yaml', which is not a file"
    ):
        chart(Path("nowhere.yaml"))


def test_the_run_id_has_one_option() -> None:
    with pytest.raises(InvalidValueError, match="use --run-id"):
        chart(KIND, sets=("runId=two",))


def test_without_helm_the_message_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPrerequisiteError, match=r"no helm on PATH.*helm\.sh") as error:
        render(chart(KIND))
    assert error.value.exit_code == 12


def test_prerequisites_of_a_run_come_before_it() -> None:
    given = [
        "SparkApplication",
        "PodMonitor",
        "NetworkPolicy",
        "RoleBinding",
        "PodDisruptionBudget",
        "Role",
        "ServiceAccount",
    ]
    assert [each["kind"] for each in sort_for_apply([{"kind": kind} for kind in given])] == [
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PodMonitor",
        "SparkApplication",
    ]
