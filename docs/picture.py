"""Writes report.png, the README's picture of a report: `python -m docs.picture REPORT.html`."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

from PIL import Image

from tests.support.browser import NoBrowserError, browser, open_report

PICTURE = Path(__file__).with_name("report.png")
WINDOW = (1250, 2200)
WIDTH = 900
# A fifth of the size in full colour; the octree keeps the colours of the classes distinct.
COLOURS = 256
# From the top of the page to the end of the first plane.
SHOWN = "return document.querySelector('.planes figure').getBoundingClientRect().bottom + 10"


def main(arguments: list[str]) -> int:
    """The exit code."""
    if len(arguments) != 1:
        print("usage: python -m docs.picture REPORT.html", file=sys.stderr)
        return 2
    try:
        with browser(*WINDOW) as running:
            open_report(running, Path(arguments[0]).absolute())
            # The browser decodes thumbnails in another thread.
            time.sleep(1)
            height = round(running.execute_script(SHOWN))
            shot = Image.open(io.BytesIO(running.get_screenshot_as_png())).convert("RGB")
    except NoBrowserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    shot = shot.crop((0, 0, shot.width, height))
    shot = shot.resize((WIDTH, height * WIDTH // shot.width), Image.Resampling.LANCZOS)
    few = shot.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(PICTURE, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
