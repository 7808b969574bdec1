"""Values: the schema refuses invalid values, ci/ renders, and generated files are current."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.conftest import CHART, ROOT, Render, RenderError

CONFIGURATIONS = sorted((CHART / "ci").glob("*.yaml"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"drivr": {}}, "additional properties 'drivr' not allowed"),
        ({"driver": {"memroy": "2g"}}, "additional properties 'memroy' not allowed"),
        ({"driver": {"memory": 2}}, "/driver/memory"),
        ({"driver": {"memory": "2Gi"}}, "/driver/memory"),
        ({"command": "train"}, "/command"),
        ({"runId": "Monday"}, "/runId"),
        ({"s3": {"endpoint": "s3:8333"}}, "/s3/endpoint"),
        ({"s3": {"credentials": "keys"}}, "/s3/credentials"),
        ({"eventLog": {"dir": "/var/log"}}, "/eventLog/dir"),
        ({"allowedRegions": ["EU"]}, "/allowedRegions/0"),
        ({"encryption": {"atRest": "AES256"}}, "/encryption/atRest"),
        ({"encryption": {"kmsKeyArn": "alias/images"}}, "/encryption/kmsKeyArn"),
        ({"sparkConf": {"spark.x": 1}}, "/sparkConf"),
        (
            {"executor": {"env": [{"name": "A", "vale": "b"}]}},
            "additional properties 'vale' not allowed",
        ),
        ({"networkPolicy": {"s3": {"cidrs": ["10.0.0.1"]}}}, "/networkPolicy/s3/cidrs"),
    ],
)
def test_wrong_values_are_refused_with_their_path(
    render: Render, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(RenderError, match=message):
        render(values)


def test_the_schema_has_exactly_the_values() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(schema_keys(schema, schema)) - {"global"} == set(value_keys(values))


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.stem)
def test_every_supported_configuration_renders(render: Render, file: Path) -> None:
    kinds = {manifest["kind"] for manifest in render(file=file)}
    assert kinds & {"SparkApplication", "ScheduledSparkApplication"}


def test_on_spot_nodes_only_executors_may_be_lost(render: Render) -> None:
    (manifest,) = render(file=CHART / "ci" / "eks-spot.yaml", show_only="sparkapplication")
    driver, executor = (
        manifest["spec"][role]["template"]["spec"] for role in ("driver", "executor")
    )
    assert driver["nodeSelector"] == {"eks.amazonaws.com/capacityType": "ON_DEMAND"}
    assert "tolerations" not in driver
    assert executor["nodeSelector"] == {"eks.amazonaws.com/capacityType": "SPOT"}
    assert [toleration["key"] for toleration in executor["tolerations"]] == ["spot"]


def test_the_table_of_the_readme_is_current() -> None:
    answer = subprocess.run([sys.executable, ROOT / "helm" / "readme.py", "--check"], check=False)
    assert answer.returncode == 0, "fix: make manifests"


def test_every_value_is_documented() -> None:
    text = (CHART / "README.md").read_text()
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    leaves = [
        key
        for key in value_keys(values)
        if not any(k.startswith(f"{key}.") for k in value_keys(values))
    ]
    assert [key for key in leaves if f"| `{key}` |" not in text] == []


def test_the_committed_manifest_is_what_the_chart_renders(render: Render) -> None:
    committed = [
        m for m in yaml.safe_load_all((ROOT / "k8s" / "sparkapplication.yaml").read_text()) if m
    ]
    rendered = render(
        file=CHART / "ci" / "kind.yaml",
        release="image-features",
        arguments=("--namespace", "image-features"),
    )
    assert committed == rendered, "fix: make manifests"


def value_keys(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from value_keys(value, f"{prefix}{key}.")


def schema_keys(schema: dict[str, Any], node: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, child in node.get("properties", {}).items():
        if "$ref" in child:
            child = schema["definitions"][child["$ref"].removeprefix("#/definitions/")]
        yield f"{prefix}{key}"
        if child.get("type") == "object":
            yield from schema_keys(schema, child, f"{prefix}{key}.")
