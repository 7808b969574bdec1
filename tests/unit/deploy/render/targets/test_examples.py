"""Every values file of ci/, converted for each of its targets."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from job import resources
from job.deploy.render.helm import Chart, render
from job.deploy.render.render import TARGETS, TargetOptions
from job.deploy.render.targets.common import format_omitted
from job.errors import InvalidValueError
from tests.unit.deploy.render import reviewed
from tests.unit.deploy.submit.service_model import complaints

CI = resources.chart() / "ci"
EXAMPLES = sorted(path.stem for path in CI.glob("*.yaml"))
# What ci/emr.yaml says of EMR, for values that are of a cluster.
OF_EMR = (
    "emr.executionRoleArn=arn:aws:iam::123456789012:role/image-features-emr",
    "emr.podTemplates=s3://my-results/pod-templates/",
)
PLACE = TargetOptions(
    Path("/templates"), "k8s://https://cluster.test:6443", "0b0b0b0b0b0b0b0b0b0b0b0b0"
)

pytestmark = pytest.mark.usefixtures("helm")


def chart(example: str, sets: tuple[str, ...] = ()) -> Chart:
    return Chart("fruits", "images", "one", (CI / f"{example}.yaml",), sets)


@pytest.mark.parametrize("example", EXAMPLES)
def test_kubernetes_is_what_the_chart_renders(example: str) -> None:
    converted = TARGETS["kubernetes"](chart(example), PLACE)
    assert list(yaml.safe_load_all(converted.text)) == render(chart(example, ("schedule=",)))
    scheduled = "schedule" in [each.name for each in converted.omitted]
    assert scheduled == (example == "scheduled")


def test_scheduled_is_what_the_chart_renders() -> None:
    converted = TARGETS["scheduled"](chart("scheduled"), PLACE)
    assert list(yaml.safe_load_all(converted.text)) == render(chart("scheduled"))


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each != "scheduled"])
def test_values_without_a_schedule_have_none(example: str) -> None:
    with pytest.raises(InvalidValueError, match=r"no schedule.*--set schedule="):
        TARGETS["scheduled"](chart(example), PLACE)


# The image of ci/emr.yaml is EMR's.
@pytest.mark.parametrize("example", [each for each in EXAMPLES if each != "emr"])
def test_spark_submit_is_as_reviewed(example: str) -> None:
    converted = TARGETS["spark-submit"](chart(example), PLACE)
    files = dict(converted.files)
    extra_objects = list(yaml.safe_load_all(files.pop("objects.yaml")))
    assert extra_objects == render(chart(example, ("schedule=",)))[:-1]
    omitted = "\n".join(format_omitted(converted.omitted)) + "\n"
    reviewed.check(
        f"spark-submit/{example}",
        {"command.sh": converted.text, "omitted.txt": omitted, **files},
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_emr_is_as_reviewed(example: str) -> None:
    converted = TARGETS["emr"](chart(example, () if example == "emr" else OF_EMR), PLACE)
    assert complaints("StartJobRun", yaml.safe_load(converted.text)) == []
    omitted = "\n".join(format_omitted(converted.omitted)) + "\n"
    reviewed.check(
        f"emr/{example}",
        {"request.json": converted.text, "omitted.txt": omitted, **converted.files},
    )
