"""Which settings a session gets, without starting one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from job import class_archive
from job.resources import SETTLED, spark_base_settings
from job.runtime.session import merge_settings

BASE = yaml.safe_load(spark_base_settings().read_text())


def test_the_base_list_holds_where_nothing_else_is_said() -> None:
    assert merge_settings({}, {}, None) == BASE


def test_what_was_submitted_wins_over_the_base_list_and_a_person_over_both() -> None:
    given = {"spark.sql.session.timeZone": "CET", "spark.a": "1"}
    chosen = merge_settings(given, {"spark.a": "2"}, None)
    assert chosen == {**BASE, "spark.sql.session.timeZone": "CET", "spark.a": "2"}


def test_what_was_left_out_for_a_target_is_not_put_back_there() -> None:
    given = {SETTLED: "true", "spark.a": "1"}
    assert merge_settings(given, {"spark.b": "2"}, None) == {**given, "spark.b": "2"}


def test_on_one_machine_java_starts_from_its_archive_of_classes_where_there_is_one(
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
