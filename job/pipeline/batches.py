"""How many images are committed at a time: what a crash can lose, and what a commit is paid for.

A run of many images is cut into slices, and a portion is as many of them as five minutes take at
the speed of the portion before: one image or a thousand a second, on one core or on a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass

from job.runtime.task_sizing import images_per_task

# To which the seconds of a commit, when no image is featurized, are little.
SECONDS_PER_PORTION = 300.0
# For each core: half a minute of MobileNetV2, a quarter of an hour of a network that is far slower.
IMAGES_PER_SLICE = 2_500
# Fewer are not worth a second commit, nor the copy of the work that slices are read from.
_LEAST_SLICES = 5
# Each is a folder.
_MOST_SLICES = 500


@dataclass(frozen=True)
class Portion:
    """The slices from `first` to before `end`: about `images` images for `slots` cores.

    `per_task` of them in a large task. By `first` a portion is told from all others of its run.
    """

    first: int
    end: int
    images: int
    slots: int
    per_task: int


@dataclass(frozen=True)
class Slices:
    """`count` slices of about the same size, of `images` in all, for `slots` cores.

    `each_alone` makes a portion of each: a person has said how many images that is.
    """

    count: int
    images: int
    slots: int
    each_alone: bool = False

    @classmethod
    def of(cls, images: int, slots: int, portion_images: int | None) -> Slices:
        """Those of a run; `portion_images` a portion, None: as many as five minutes take."""
        if portion_images is not None:
            return cls(-(-images // portion_images), images, slots, each_alone=True)
        count = min(-(-images // (IMAGES_PER_SLICE * slots)), _MOST_SLICES)
        return cls(count if count >= _LEAST_SLICES else min(images, 1), images, slots)

    def portion(self, first: int, per_second: float | None) -> Portion:
        """The portion that begins with the slice `first`.

        `per_second` images of all cores together, None where no speed is known yet.
        """
        # What a person has chosen may be too small to keep all cores busy, and to tell their speed.
        speed = None if self.each_alone else per_second
        wanted = 1
        if speed is not None:
            wanted = max(1, round(SECONDS_PER_PORTION * speed * self.count / self.images))
        end = min(first + wanted, self.count)
        images = -(-self.images * (end - first) // self.count)
        return Portion(first, end, images, self.slots, images_per_task(self.slots, speed))
