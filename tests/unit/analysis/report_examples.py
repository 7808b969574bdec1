"""Report data that is small, or as large as it gets, for the tests of this folder."""

from __future__ import annotations

import base64
import io
import random
from dataclasses import replace
from typing import Any

from PIL import Image

from job.analysis.report_data import ClassCount, Point, QuarantinedImage, ReportData


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


def largest_report() -> ReportData:
    """5,000 points of 131 classes with long non-Latin paths, 300 thumbnails, 500 in quarantine."""
    noise = random.Random(0)
    names = [f"品种 {number} {'果' * 300}" for number in range(131)]
    folder = "s3a://fruits/train/" + "水果/" * 100
    picture = thumbnail(96, noise)
    points = [
        Point(
            f"{folder}{names[index % 131]}/{index}.jpg",
            names[index % 131],
            noise.random(),
            noise.random(),
            picture if index < 300 else None,
        )
        for index in range(5000)
    ]
    bad = [QuarantinedImage(f"{folder}{index}", "truncated", "?" * 900) for index in range(500)]
    return fruit_report(
        points=points,
        points_total=90_483,
        classes=[ClassCount(name, 690) for name in names],
        quarantine=bad,
        quarantine_reasons={"truncated": 500},
        variance_curve=[1 / 1280] * 1280,
    )


def thumbnail(side: int = 4, noise: random.Random | None = None) -> str:
    """A real JPEG in base64: noise, which compresses worst, or one colour."""
    size = (side, side)
    image = Image.new("RGB", size, "red")
    if noise is not None:
        image = Image.frombytes("RGB", size, noise.randbytes(3 * side * side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return base64.b64encode(buffer.getvalue()).decode()
