"""How many images are committed at a time: what a crash can lose against what a commit costs.

A run of many images is cut into slices. A batch is as many slices as take five minutes at the rate
of the batch before, whether that is one image or a thousand per second.
"""

from __future__ import annotations

from dataclasses import dataclass

from job.runtime.task_sizing import images_per_task

# A commit takes seconds in which no image is featurized: little against this.
SECONDS_PER_BATCH = 300.0
# Per core: half a minute of MobileNetV2, a quarter of an hour of a far slower network.
IMAGES_PER_SLICE = 2_500
# Fewer slices are not worth a second commit and the copy of the work that they are read from.
_LEAST_SLICES = 5
# Each slice is a folder.
_MOST_SLICES = 500
# Tables number two commits of each batch (job/output/tables.py).
_MOST_BATCHES = 400_000


@dataclass(frozen=True)
class Batch:
    """The slices from `first` to before `end`: about `images` images for `slots` cores.

    A large task has `per_task` of them. `first` identifies the batch within its run.
    """

    first: int
    end: int
    images: int
    slots: int
    per_task: int


@dataclass(frozen=True)
class BatchPlan:
    """`count` slices of about the same size, of `images` in all, for `slots` cores.

    With `fixed` each slice is a batch: the user chose how many images that is.
    """

    count: int
    images: int
    slots: int
    fixed: bool = False

    @classmethod
    def of(cls, images: int, slots: int, batch_images: int | None) -> BatchPlan:
        """The plan of a run; `batch_images` per batch, None: as many as take five minutes."""
        if batch_images is not None:
            count = min(-(-images // batch_images), _MOST_BATCHES)
            return cls(count, images, slots, fixed=True)
        count = min(-(-images // (IMAGES_PER_SLICE * slots)), _MOST_SLICES)
        return cls(count if count >= _LEAST_SLICES else min(images, 1), images, slots)

    def batch(self, first: int, per_second: float | None) -> Batch:
        """The batch that starts with the slice `first`.

        `per_second` is the rate of all cores together, None while it is not known.
        """
        # A user-chosen batch may be too small to measure throughput.
        speed = None if self.fixed else per_second
        wanted = 1
        if speed is not None:
            wanted = max(1, round(SECONDS_PER_BATCH * speed * self.count / self.images))
        end = min(first + wanted, self.count)
        images = -(-self.images * (end - first) // self.count)
        return Batch(first, end, images, self.slots, images_per_task(self.slots, speed))
