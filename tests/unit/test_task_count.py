"""How many tasks the images of a portion make."""

from __future__ import annotations

import pytest

from job.featurize import IMAGES_PER_TASK, task_count


@pytest.mark.parametrize(
    ("images", "slots", "tasks"),
    [
        (1, 2, 1),
        (240, 2, 2),
        (1000, 2, 2),
        (10_000, 2, 10),
        (10_000, 16, 16),
        (50_000, 64, 64),
        (40, 64, 1),
    ],
)
def test_tasks_are_whole_waves_and_never_tiny(images: int, slots: int, tasks: int) -> None:
    assert task_count(images, slots) == tasks


def test_no_task_has_much_more_than_its_share() -> None:
    assert all(
        n / task_count(n, 4) <= IMAGES_PER_TASK for n in range(4 * IMAGES_PER_TASK, 20_000, 777)
    )
