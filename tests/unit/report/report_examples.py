"""Report data for tests: a small one, and one of maximum size."""

from __future__ import annotations

import base64
import io
import random
from dataclasses import replace
from typing import Any

from PIL import Image

from job.report.quarantine_section import REASON_MEANINGS
from job.report.report_data import ClassCount, Point, QuarantinedImage, ReportData


class Files(dict[str, str]):
    """The files of an output, in memory, by relative path (page.OutputFiles)."""

    def read(self, name: str) -> bytes:
        if name not in self:
            raise FileNotFoundError(name)
        return self[name].encode()

    def list_names(self, folder: str) -> list[str]:
        inside = [name.removeprefix(f"{folder}/") for name in self if name.startswith(f"{folder}/")]
        return sorted({name.partition("/")[0] for name in inside})


def fruit_report(**changes: Any) -> ReportData:
    """1,234 listed: 1,200 featurized, 30 reused, 4 in quarantine; 2 classes, k = 2 of 4."""
    report = ReportData(
        summary={
            "run_id": "20260102t030405-1a2b3c",
            "input_path": "s3a://fruits/train",
            "output_path": "s3a://results/fruits",
            "started": "2026-01-02 03:04:05 UTC",
            "seconds": {"list": 1.5, "featurize": 90.0},
            "images_per_second": 13.3,
            "counts": {
                "listed": 1234,
                "featurized": 1200,
                "reused": 30,
                "quarantined": 4,
                "dropped": 0,
            },
            "versions": {"pyspark": "4.0.2"},
            "settings": {"images": {"glob": "**"}, "weights": None},
            "fingerprint": {"backbone": "mobilenet_v2", "numeric_class": "f32"},
            "git_revision": "0c1d2e3",
        },
        feature_count=1280,
        k=2,
        variance_asked=0.75,
        variance_curve=[0.5, 0.3, 0.15, 0.05],
        points=[
            Point("s3a://fruits/train/Apple/1.jpg", "Apple", 0.0, 1.0, thumbnail()),
            Point("s3a://fruits/train/Apple/2.jpg", "Apple", 0.5, 1.5),
            Point("s3a://fruits/train/Plum/1.jpg", "Plum", -2.0, -1.0, thumbnail()),
        ],
        points_total=1230,
        sampling_rule="chosen by a hash of the path",
        classes=[ClassCount("Apple", 1000), ClassCount("Plum", 230)],
        quarantine=[QuarantinedImage("s3a://fruits/train/Plum/x.jpg", "truncated", "12 bytes")],
        quarantine_reasons={"truncated": 3, "forbidden": 1},
    )
    return replace(report, **changes)


def planes_report(**changes: Any) -> ReportData:
    """60 images of 3 classes with 4 components; each class is a separate row of the plane.

    The first image of each class has a thumbnail; 2 objects are in quarantine, one with a picture.
    """
    points = [
        Point(
            f"s3a://fruits/train/{name}/{index}.jpg",
            name,
            x=10.0 * index,
            y=40.0 * row,
            thumbnail=thumbnail() if index == 0 else None,
            third=40.0 * row,
            fourth=10.0 * index,
        )
        for row, name in enumerate(("Apple", "Plum", "Quince"))
        for index in range(20)
    ]
    report = fruit_report(
        k=4,
        points=points,
        points_total=60,
        classes=[ClassCount(name, 20) for name in ("Apple", "Plum", "Quince")],
        quarantine=[
            QuarantinedImage("s3a://fruits/train/README", "not_an_image", "no image"),
            QuarantinedImage("s3a://fruits/train/half.jpg", "truncated", "ends", thumbnail()),
        ],
        quarantine_reasons={"truncated": 1, "not_an_image": 1},
        storage_bytes={"images": 6_000_000, "features": 1_500_000, "projection": 60_000},
    )
    return replace(report, **changes)


def largest_report() -> ReportData:
    """The largest data that is collected: 300 classes, long paths in Chinese.

    5,800 points, every tenth with a thumbnail; all quarantine reasons with all rows and pictures;
    a curve of 2,048 components.
    """
    noise = random.Random(0)
    names = [f"品种 {number} {'果' * 60}" for number in range(300)]
    folder = "s3a://fruits/train/" + "水果/" * 60
    picture = thumbnail(96, noise)
    points = [
        Point(
            f"{folder}{names[index % 300]}/{index}.jpg",
            names[index % 300],
            *(noise.gauss(0, 10) for _ in range(2)),
            picture if index % 10 == 0 else None,
            *(noise.gauss(0, 10) for _ in range(2)),
        )
        for index in range(5_800)
    ]
    reasons = dict.fromkeys(REASON_MEANINGS, 1000)
    return fruit_report(
        k=400,
        points=points,
        points_total=100_000,
        classes=[ClassCount(name, 333) for name in names],
        quarantine=[
            QuarantinedImage(f"{folder}{index}", reason, "?" * 300, picture if index < 6 else None)
            for reason in reasons
            for index in range(50)
        ],
        quarantine_reasons=reasons,
        variance_curve=[1 / 2048] * 2048,
        storage_bytes={"images": 500_000_000, "features": 480_000_000, "projection": 50_000_000},
    )


def thumbnail(side: int = 4, noise: random.Random | None = None) -> str:
    """A base64 JPEG of one colour, or of noise, which compresses worst."""
    size = (side, side)
    image = Image.new("RGB", size, "red")
    if noise is not None:
        image = Image.frombytes("RGB", size, noise.randbytes(3 * side * side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return base64.b64encode(buffer.getvalue()).decode()
