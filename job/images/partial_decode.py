"""Decodes the readable part of a damaged image for the report; never for the network."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile

from job.images.decode import DECODE_ERRORS, FORMATS, as_rgb, thumbnail
from job.images.variants import find_misread_variant

# Enough bytes of any photograph for a thumbnail of 96 pixels.
MAX_BYTES = 1024 * 1024
MAX_PIXELS = 16_000_000


def partial_thumbnail(data: bytes) -> bytes | None:
    """A JPEG thumbnail of the part of an image in its first MAX_BYTES; None if nothing is visible.

    A JPEG is decoded at an eighth of its size or less. An image that then has more than MAX_PIXELS
    pixels is not decoded.
    """
    try:
        with (
            _allow_truncated(),
            Image.open(BytesIO(data[:MAX_BYTES]), formats=FORMATS) as image,
        ):
            image.draft("RGB", (96, 96))
            if find_misread_variant(image) or image.width * image.height > MAX_PIXELS:
                return None
            rgb = np.asarray(as_rgb(image))
    except DECODE_ERRORS:
        return None
    # A decoder leaves a single colour where it has no data.
    return None if (rgb == rgb[0, 0]).all() else thumbnail(rgb)


@contextmanager
def _allow_truncated() -> Iterator[None]:
    """Let Pillow fill missing pixels instead of raising.

    The switch affects the whole process, so only the driver uses it: it decodes nothing else.
    """
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
