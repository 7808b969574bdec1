"""How many images a batch has: by the cores at first, then by the rate of the batch before."""

from __future__ import annotations

import pytest

from job.pipeline.batches import IMAGES_PER_SLICE, SECONDS_PER_BATCH, Batch, BatchPlan
from job.runtime.task_sizing import IMAGES_PER_TASK

MILLION = 1_000_000


def batches(plan: BatchPlan, per_second: float) -> list[Batch]:
    """All of a run that makes so many images a second."""
    found = [plan.batch(0, None)]
    while found[-1].end < plan.count:
        found.append(plan.batch(found[-1].end, per_second))
    return found


@pytest.mark.parametrize("images", [1, 240, 10_000, 4 * 2 * IMAGES_PER_SLICE])
def test_few_images_are_one_batch(images: int) -> None:
    plan = BatchPlan.of(images, 2, None)
    assert [batch.images for batch in batches(plan, 100)] == [images]


def test_no_images_have_no_batch() -> None:
    assert BatchPlan.of(0, 2, None).count == BatchPlan.of(0, 2, 40).count == 0


@pytest.mark.parametrize(("slots", "per_second"), [(2, 6.0), (2, 150.0), (80, 6_000.0)])
def test_a_batch_is_five_minutes_of_work(slots: int, per_second: float) -> None:
    plan = BatchPlan.of(10 * MILLION, slots, None)
    first, *middle, _ = batches(plan, per_second)
    assert first.end == 1
    one_slice = plan.images / plan.count / per_second
    expected = pytest.approx(max(SECONDS_PER_BATCH, one_slice), abs=one_slice / 2)
    assert [batch.images / per_second for batch in middle] == [expected] * len(middle)


@pytest.mark.parametrize("images", [30_001, 123_456, 10 * MILLION])
@pytest.mark.parametrize("slots", [1, 3, 64])
def test_batches_have_all_images(images: int, slots: int) -> None:
    plan = BatchPlan.of(images, slots, None)
    found = batches(plan, 75.0 * slots)
    assert found[-1].end == plan.count <= 500
    assert images <= sum(each.images for each in found) <= images + len(found)


def test_a_task_is_twenty_seconds_at_the_speed_of_the_batch_before() -> None:
    plan = BatchPlan.of(MILLION, 4, None)
    assert plan.batch(0, None).per_task == 1024
    assert plan.batch(1, 12.0).per_task == 60
    assert plan.batch(1, 4_000.0).per_task == 20_000


def test_who_says_how_many_images_a_batch_has_gets_no_more() -> None:
    found = batches(BatchPlan.of(1_000, 64, 300), 10_000)
    assert [each.images for each in found] == [250] * 4


def test_a_batch_that_a_person_chose_tells_no_speed() -> None:
    assert BatchPlan.of(1_000, 64, 100).batch(1, 33.0).per_task == IMAGES_PER_TASK
