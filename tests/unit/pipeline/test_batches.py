"""The size of a batch: by the number of cores at first, then by the rate of the last batch."""

from __future__ import annotations

import pytest

from job.pipeline.batches import IMAGES_PER_SLICE, SECONDS_PER_BATCH, Batch, BatchPlan
from job.runtime.task_sizing import IMAGES_PER_TASK

MILLION = 1_000_000


def batches(plan: BatchPlan, per_second: float) -> list[Batch]:
    """All batches of a run that featurizes `per_second` images a second."""
    result = [plan.batch(0, None)]
    while result[-1].end < plan.count:
        result.append(plan.batch(result[-1].end, per_second))
    return result


@pytest.mark.parametrize("images", [1, 240, 10_000, 4 * 2 * IMAGES_PER_SLICE])
def test_few_images_are_one_batch(images: int) -> None:
    plan = BatchPlan.of(images, 2, None)
    assert [batch.images for batch in batches(plan, 100)] == [images]


def test_without_images_there_is_no_batch() -> None:
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
def test_all_batches_together_have_all_images(images: int, slots: int) -> None:
    plan = BatchPlan.of(images, slots, None)
    all_batches = batches(plan, 75.0 * slots)
    assert all_batches[-1].end == plan.count <= 500
    total = sum(batch.images for batch in all_batches)
    assert images <= total <= images + len(all_batches)


def test_a_task_takes_twenty_seconds_at_the_rate_of_the_last_batch() -> None:
    plan = BatchPlan.of(MILLION, 4, None)
    assert plan.batch(0, None).per_task == 1024
    assert plan.batch(1, 12.0).per_task == 60
    assert plan.batch(1, 4_000.0).per_task == 20_000


def test_a_batch_has_at_most_the_images_that_the_user_chose() -> None:
    plan = BatchPlan.of(1_000, 64, 300)
    assert [batch.images for batch in batches(plan, 10_000)] == [250] * 4


def test_the_rate_of_a_batch_of_user_chosen_size_is_ignored() -> None:
    assert BatchPlan.of(1_000, 64, 100).batch(1, 33.0).per_task == IMAGES_PER_TASK
