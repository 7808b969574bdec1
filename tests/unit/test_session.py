"""Which settings a session gets, without starting one."""

from __future__ import annotations

import yaml

from job.resources import SETTLED, spark_base_settings
from job.session import chosen_settings

BASE = yaml.safe_load(spark_base_settings().read_text())


def test_the_base_list_holds_where_nothing_else_is_said() -> None:
    assert chosen_settings({}, {}, None) == BASE


def test_what_was_submitted_wins_over_the_base_list_and_a_person_over_both() -> None:
    given = {"spark.sql.session.timeZone": "CET", "spark.a": "1"}
    chosen = chosen_settings(given, {"spark.a": "2"}, None)
    assert chosen == {**BASE, "spark.sql.session.timeZone": "CET", "spark.a": "2"}


def test_what_was_left_out_for_a_target_is_not_put_back_there() -> None:
    given = {SETTLED: "true", "spark.a": "1"}
    assert chosen_settings(given, {"spark.b": "2"}, None) == {**given, "spark.b": "2"}
