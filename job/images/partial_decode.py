"""What can be seen of a picture that cannot be used: for people, never for the network."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile

from job.images.decode import DECODING_FAILED, FORMATS, as_rgb, thumbnail
from job.images.variants import misread

# Enough of any photograph for a thumbnail of 96 pixels.
MOST_BYTES = 1024 * 1024
MOST_PIXELS = 16_000_000


def partial_thumbnail(data: bytes) -> bytes | None:
    """A JPEG thumbnail of the part of a picture that its first bytes hold; None for nothing.

    A JPEG is decoded at an eighth of its size or less; what then has more than MOST_PIXELS pixels
    is not decoded. `data` beyond MOST_BYTES is not looked at.
    """
    try:
        with (
            _parts_are_enough(),
            Image.open(BytesIO(data[:MOST_BYTES]), formats=FORMATS) as image,
        ):
            image.draft("RGB", (96, 96))
            if misread(image) or image.width * image.height > MOST_PIXELS:
                return None
            rgb = np.asarray(as_rgb(image))
    except DECODING_FAILED:
        return None
    # Where a decoder had nothing to go on, it leaves one colour.
    return None if (rgb == rgb[0, 0]).all() else thumbnail(rgb)


@contextmanager
def _parts_are_enough() -> Iterator[None]:
    """Pillow fills what is missing instead of raising; it knows this for a whole process only.

    So it is for the driver, which decodes nothing else; workers are other processes.
    """
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
