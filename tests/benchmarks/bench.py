"""`make bench`: how near the job comes to the limits of the machine, and its memory.

Each figure is a ratio within one run. Start-up is kept apart: the marginal time of an image is
the difference between a large and a small run, divided by the difference in images.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from PIL import Image

from tests.benchmarks.limits import Limits, limits
from tests.benchmarks.measured import Measured, measure
from tests.benchmarks.storage import storage

SAMPLE = Path("../shared/data/fruits-360-sample.tar")


@dataclass(frozen=True)
class Case:
    """One way to reach the images."""

    name: str
    source: str  # one of storage.SOURCES
    reader: str
    small: int
    large: int


@dataclass(frozen=True)
class Figures:
    """Start-up in seconds, marginal images per second, and the peaks of the large run.

    `rate_alone` is the rate without what the S3 server and the proxy took of all cores for an
    image: elsewhere they have machines of their own.
    """

    start_up: float
    rate: float
    rate_alone: float
    measured: Measured


@click.command()
@click.option(
    "--images", "folder", type=click.Path(path_type=Path, exists=True), help="Folder of images."
)
@click.option("--small", default=2000, show_default=True)
@click.option("--large", default=10000, show_default=True)
@click.option("--only", multiple=True, help="Only cases whose name contains this.")
def main(folder: Path | None, small: int, large: int, only: tuple[str, ...]) -> None:
    """Print the limits, then each case as start-up, marginal rate and its ratio to both limits.

    "Alone" is the first of them without what the S3 server takes of the same cores.
    """
    with tempfile.TemporaryDirectory(prefix="image-features-bench-") as scratch:
        work = Path(scratch)
        images = _images(folder, work)
        slots = os.cpu_count() or 1
        measured = []
        before = _limits(images, slots)
        for case in _cases(small, large):
            if only and not any(part in case.name for part in only):
                continue
            figures = _figures(case, images, work)
            # What else the machine does changes by the minute: each case has limits of its own.
            after = _limits(images, slots)
            measured.append((case, figures, before.mean(after)))
            before = after
        _say_cases(measured)
        if not only or "memory" in only:
            _say_memory(work)


def _cases(small: int, large: int) -> list[Case]:
    # The s3a reader at 30 ms makes 16 images/s: a tenth of the images says as much.
    return [
        Case("local, concurrent", "local", "concurrent", small, large),
        Case("local, s3a", "local", "s3a", small, large),
        Case("S3, concurrent", "s3", "concurrent", small, large),
        Case("S3, s3a", "s3", "s3a", small, large),
        Case("S3 + 30 ms, concurrent", "s3+30ms", "concurrent", small, large),
        Case("S3 + 30 ms, s3a", "s3+30ms", "s3a", small // 10, large // 10),
    ]


def _images(folder: Path | None, work: Path) -> list[Path]:
    if folder is None:
        folder = work / "sample"
        with tarfile.open(SAMPLE) as archive:
            archive.extractall(folder, filter="data")
    images = sorted(path for path in folder.rglob("*") if path.is_file())
    # Varieties mixed: a prefix of the sorted list would be of a few classes only.
    return [images[i] for i in np.random.default_rng(0).permutation(len(images))]


def _figures(case: Case, images: list[Path], work: Path) -> Figures:
    small, storage_small = _featurize(case, images, case.small, work)
    large, storage_large = _featurize(case, images, case.large, work)
    more = case.large - case.small
    marginal = (large.seconds - small.seconds) / more
    storage_cpu = (storage_large - storage_small) / more / (os.cpu_count() or 1)
    print(
        f"{case.name}: {case.small} in {small.seconds:.1f} s, "
        f"{case.large} in {large.seconds:.1f} s",
        flush=True,
    )
    start_up = small.seconds - case.small * marginal
    return Figures(start_up, 1 / marginal, 1 / (marginal - storage_cpu), large)


def _featurize(case: Case, images: list[Path], count: int, work: Path) -> tuple[Measured, float]:
    """The run, and the seconds of CPU that its storage took meanwhile."""
    with storage(case.source, _folder(images, count, work), work) as place:
        conf = [f"--conf={key}={value}" for key, value in place.settings.items()]
        command = _command(place.input_path, place.output_path, "--reader", case.reader, *conf)
        before = place.cpu_seconds()
        run = measure(command, {**os.environ, **place.environment})
        cpu = place.cpu_seconds() - before
    return run, cpu


def _command(input_path: str, output_path: str, *more: str) -> list[str]:
    paths = ["--input", input_path, "--output", output_path]
    return [sys.executable, "-m", "job", "featurize", *paths, *more]


def _folder(images: list[Path], count: int, work: Path) -> Path:
    """`count` of the images; where they are fewer, again under other names."""
    folder = work / f"first-{count}"
    if not folder.exists():
        for number in range(count):
            copy, index = divmod(number, len(images))
            image = images[index]
            place = folder / f"{copy:03}" / image.parent.name / image.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(image, place)
    return folder


def _limits(images: list[Path], slots: int) -> Limits:
    limit = limits(images, slots)
    print(
        f"limit: forward {limit.forward:.1f} images/s, "
        f"decode + resize + forward {limit.decode_and_forward:.1f} images/s",
        flush=True,
    )
    return limit


def _say_cases(measured: list[tuple[Case, Figures, Limits]]) -> None:
    print("| case | start-up s | images/s | of forward | alone | of decode + forward | peak MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case, of, limit in measured:
        peaks = ", ".join(
            f"{kind} {mib:,.0f}" for kind, mib in sorted(of.measured.peak_mib.items())
        )
        print(
            f"| {case.name} | {of.start_up:.1f} | {of.rate:.1f} | {of.rate / limit.forward:.2f} "
            f"| {of.rate_alone / limit.forward:.2f} "
            f"| {of.rate / limit.decode_and_forward:.2f} | {peaks} |"
        )


def _say_memory(work: Path) -> None:
    """Peak memory with forty images of about 50 MB each."""
    folder = work / "large-images" / "noise"
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(40):
        noise = generator.integers(0, 256, (4000, 4200, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number:02}.bmp")
    size = (folder / "00.bmp").stat().st_size
    peaks = measure(_command(str(folder), str(work / "large-output")), os.environ).peak_mib
    print(
        f"forty images of {size / 1e6:.0f} MB: "
        + json.dumps({k: round(v) for k, v in peaks.items()})
        + " MiB"
    )


if __name__ == "__main__":
    main()
