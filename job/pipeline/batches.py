"""Chooses how many images are committed at a time: large batches lose more work in a crash.

A run of many images is divided into slices. A batch is the number of slices that take five minutes
at the rate of the previous batch, be that one image per second or a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass

from job.runtime.task_sizing import images_per_task

# A commit takes seconds, which is little compared with this.
SECONDS_PER_BATCH = 300.0
# Per core: half a minute with MobileNetV2, a quarter of an hour with a much slower network.
IMAGES_PER_SLICE = 2_500
# Fewer slices are not worth a second commit and a staged copy of the work.
_MIN_SLICES = 5
# Each slice is a folder.
_MAX_SLICES = 500
# The tables have step numbers for this many batches (job/output/tables.py).
_MAX_BATCHES = 400_000


@dataclass(frozen=True)
class Batch:
    """The slices from `first` up to, not including, `end`: about `images` images for `slots` cores.

    A large task has `per_task` images. `first` identifies the batch within its run.
    """

    first: int
    end: int
    images: int
    slots: int
    per_task: int


@dataclass(frozen=True)
class BatchPlan:
    """`count` slices of about the same size, with `images` images in all, for `slots` cores.

    With `fixed` each slice is a batch: the user chose its size.
    """

    count: int
    images: int
    slots: int
    fixed: bool = False

    @classmethod
    def of(cls, images: int, slots: int, batch_images: int | None) -> BatchPlan:
        """The plan of a run with `batch_images` images per batch; None: five minutes of work."""
        if batch_images is not None:
            count = min(-(-images // batch_images), _MAX_BATCHES)
            return cls(count, images, slots, fixed=True)
        count = min(-(-images // (IMAGES_PER_SLICE * slots)), _MAX_SLICES)
        return cls(count if count >= _MIN_SLICES else min(images, 1), images, slots)

    def batch(self, first: int, per_second: float | None) -> Batch:
        """The batch that starts with the slice `first`.

        `per_second` is the rate of all cores together; None while it is unknown.
        """
        # A user-chosen batch may be too small to measure throughput.
        speed = None if self.fixed else per_second
        slices = 1
        if speed is not None:
            slices = max(1, round(SECONDS_PER_BATCH * speed * self.count / self.images))
        end = min(first + slices, self.count)
        images = -(-self.images * (end - first) // self.count)
        return Batch(first, end, images, self.slots, images_per_task(self.slots, speed))
