"""Number and size of the tasks of a batch."""

from __future__ import annotations

import pytest

from job.runtime.task_sizing import IMAGES_PER_TASK, task_count, task_sizes


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
def test_equal_tasks_make_whole_waves_and_are_not_tiny(images: int, slots: int, tasks: int) -> None:
    assert task_count(images, slots) == tasks


def test_equal_tasks_have_at_most_images_per_task() -> None:
    assert all(
        n / task_count(n, 4) <= IMAGES_PER_TASK for n in range(4 * IMAGES_PER_TASK, 20_000, 777)
    )


def test_the_last_tasks_are_the_smallest() -> None:
    sizes = task_sizes(10_000, 2)
    assert sizes[:6] == [IMAGES_PER_TASK] * 6
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= IMAGES_PER_TASK / 8


@pytest.mark.parametrize(
    ("images", "slots", "sizes"),
    [(0, 2, [0]), (1, 2, [1]), (240, 2, [120, 120]), (100, 64, [32, 32, 36]), (270, 2, [128, 142])],
)
def test_few_images_are_split_evenly(images: int, slots: int, sizes: list[int]) -> None:
    assert task_sizes(images, slots) == sizes


def test_the_last_tasks_of_a_slow_network_are_small() -> None:
    sizes = task_sizes(1_000, 2, max_size=30)
    assert sizes[0] == 30
    assert sizes[-1] <= 4


def test_the_first_tasks_of_a_fast_network_are_large() -> None:
    sizes = task_sizes(100_000, 2, max_size=10_000)
    assert sizes[0] == 10_000
    assert 1_250 / 2 <= sizes[-1] <= 1_250 * 1.5


@pytest.mark.parametrize("images", [1, 33, 1000, 50_000, 1_000_001])
@pytest.mark.parametrize("slots", [1, 2, 100])
def test_every_image_is_in_one_task(images: int, slots: int) -> None:
    assert sum(task_sizes(images, slots)) == images
