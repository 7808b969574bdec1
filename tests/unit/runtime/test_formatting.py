"""Formatting of numbers and names."""

from __future__ import annotations

import pytest

from job.runtime.formatting import (
    bytes_text,
    duration_text,
    exact_percent_text,
    percent_text,
    pluralize,
    rate_text,
    truncate_middle,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.421, "0.42 s"),
        (8.26, "8.3 s"),
        (41.9, "42 s"),
        (59.7, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7620, "2 h 07 min"),
    ],
)
def test_duration_text(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.2344, "23.4 %"), (0.0, "0.0 %"), (0.0001, "< 0.1 %"), (1.0, "100.0 %")],
)
def test_percent_text(share: float, text: str) -> None:
    assert percent_text(share) == text


def test_exact_percent_text_keeps_all_digits() -> None:
    assert [exact_percent_text(share) for share in (0.9, 0.29, 0.9999)] == [
        "90 %",
        "29 %",
        "99.99 %",
    ]


def test_nouns_agree_with_their_count() -> None:
    assert [pluralize(n, "class", "classes") for n in (1, 2345)] == ["1 class", "2,345 classes"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (5120, "5.1 kB"),
        (9960, "10 kB"),
        (999_600, "1.0 MB"),
        (463_000_000, "463 MB"),
        (7.2e15, "7,200 TB"),
    ],
)
def test_bytes_text(size: float, text: str) -> None:
    assert bytes_text(size) == text


def test_rates_have_a_decimal_only_below_10() -> None:
    assert [rate_text(rate) for rate in (5.94, 161.3, 2932.0)] == ["5.9", "161", "2,932"]


def test_long_names_keep_both_ends() -> None:
    assert truncate_middle("a" * 50 + "/1.jpg", 12) == "aaaa…aa/1.jpg"
    assert truncate_middle("short", 12) == "short"
    assert truncate_middle("果" * 9, 12) == "果…果果"
