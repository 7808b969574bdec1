"""The progress of steps, as the user sees it."""

from __future__ import annotations

import io
import time

import pytest

from job.display import LineDisplay, ProgressUpdate
from job.runtime.progress import Steps


def test_an_update_shows_done_total_rate_and_time_left() -> None:
    update = ProgressUpdate("featurize", "images", done=500, total=2000, seconds=5.0)
    assert str(update) == "featurize: 500 / 2,000 images, 100.0 images/s, 15 s left, 5 s"


def test_without_a_total_no_time_left_is_shown() -> None:
    assert (
        str(ProgressUpdate("list", "objects", 9, None, 3.0))
        == "list: 9 objects, 3.0 objects/s, 3 s"
    )


def test_without_a_count_no_zero_is_shown() -> None:
    assert str(ProgressUpdate("list", "objects", 0, None, 3.0)) == "list: 3 s"


def test_lines_show_the_progress_of_a_step_and_then_its_duration() -> None:
    output = io.StringIO()
    display = LineDisplay(output)
    display.interval = 0.05
    steps = Steps(display)
    with steps.step("featurize", total=10, done=lambda: 5):
        time.sleep(0.2)
    lines = output.getvalue().splitlines()
    assert any("featurize: 5 / 10 images" in line for line in lines)
    assert "featurize: 10 images" in lines[-1]
    assert steps.seconds["featurize"] >= 0.2


def test_a_failed_step_is_shown_as_stopped() -> None:
    output = io.StringIO()
    step = Steps(LineDisplay(output)).step("featurize", total=10)
    with pytest.raises(ValueError, match="broken"), step:
        raise ValueError("broken")
    assert "featurize: stopped after" in output.getvalue()
    assert "10 images" not in output.getvalue()
