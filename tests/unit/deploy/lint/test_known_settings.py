"""The list of known settings, and suggestions for misspelled ones."""

from __future__ import annotations

import pytest
import yaml

from job import resources
from job.deploy.lint.known_settings import (
    HADOOP,
    USER_NAMED_PREFIXES,
    find_similar,
    known_settings,
    strip_bucket,
)

BASE = yaml.safe_load(resources.spark_base_settings().read_text(encoding="utf-8"))
OF_SPARK = sorted(key for key in BASE if key in known_settings().spark)


def test_every_setting_of_the_base_list_is_known() -> None:
    unknown = {
        key
        for key in BASE
        if key not in known_settings().spark
        and key.removeprefix(HADOOP) not in known_settings().hadoop
    }
    assert {key for key in unknown if not key.startswith(USER_NAMED_PREFIXES)} == set()


@pytest.mark.parametrize("setting", OF_SPARK)
def test_a_letter_less_or_two_swapped_is_still_found(setting: str) -> None:
    middle = len(setting) // 2
    less = setting[:middle] + setting[middle + 1 :]
    swapped = setting[:-2] + setting[-1] + setting[-2]
    assert {
        find_similar(less, known_settings().spark),
        find_similar(swapped, known_settings().spark),
    } == {setting}


def test_an_unrelated_name_has_no_suggestion() -> None:
    assert find_similar("spark.acme.team", known_settings().spark) is None


@pytest.mark.parametrize(
    ("setting", "of_all"),
    [
        ("fs.s3a.bucket.images.endpoint", "fs.s3a.endpoint"),
        ("fs.s3a.bucket.my.images.endpoint.region", "fs.s3a.endpoint.region"),
        ("fs.s3a.bucket.images.endpiont", "fs.s3a.endpiont"),
        ("fs.s3a.endpoint", "fs.s3a.endpoint"),
    ],
)
def test_a_setting_of_a_bucket_is_that_of_all(setting: str, of_all: str) -> None:
    assert strip_bucket(HADOOP + setting) == HADOOP + of_all


def test_the_jars_of_the_image_fit_the_spark_that_the_list_is_of() -> None:
    pom = resources.jar_list().read_text(encoding="utf-8")
    assert f"<spark.version>{known_settings().spark_version}</spark.version>" in pom
    assert f"<hadoop.version>{known_settings().hadoop_version}</hadoop.version>" in pom
