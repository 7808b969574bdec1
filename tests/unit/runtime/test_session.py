"""The settings of a session; no session is started."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from job import class_archive
from job.resources import SETTLED, spark_base_settings
from job.runtime.session import merge_settings

BASE = yaml.safe_load(spark_base_settings().read_text())


def test_the_base_list_is_the_default() -> None:
    assert merge_settings({}, {}, None) == BASE


def test_submitted_settings_win_over_the_base_list_and_conf_wins_over_both() -> None:
    submitted = {"spark.sql.session.timeZone": "CET", "spark.a": "1"}
    settings = merge_settings(submitted, {"spark.a": "2"}, None)
    assert settings == {**BASE, "spark.sql.session.timeZone": "CET", "spark.a": "2"}


def test_settled_settings_get_no_base_list() -> None:
    submitted = {SETTLED: "true", "spark.a": "1"}
    assert merge_settings(submitted, {"spark.b": "2"}, None) == {**submitted, "spark.b": "2"}


def test_a_local_jvm_uses_the_class_archive_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "spark-classes.jsa"
    monkeypatch.setattr(class_archive, "ARCHIVE", archive)
    monkeypatch.setattr(class_archive, "_INSTALLED", tmp_path / "installed")
    option = f"-XX:SharedArchiveFile={archive}"

    assert option not in _java_options("local[2]")
    archive.write_bytes(b"classes")
    assert option in _java_options("local[2]")
    assert "spark.driver.defaultJavaOptions" not in merge_settings({}, {}, None)


def _java_options(master: str) -> list[str]:
    return merge_settings({}, {}, master)["spark.driver.defaultJavaOptions"].split()
