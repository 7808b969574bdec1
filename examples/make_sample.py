"""Make examples/images from a tar of Fruits-360: 12 varieties, 20 images each, always the same.

`python examples/make_sample.py fruits-360-sample.tar`; the tar holds `*/Training/<variety>/*.jpg`.
"""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
from pathlib import Path, PurePosixPath

IMAGES = Path(__file__).parent / "images"
IMAGES_PER_VARIETY = 20
VARIETIES = (
    "Apple Braeburn 1",
    "Apple Crimson Snow 1",
    "Apple Golden 2",
    "Apple Pink Lady 1",
    "Apple Red Yellow 2",
    "Cherry 2",
    "Cherry Rainier 2",
    "Cherry Wax Black 1",
    "Cherry Wax Yellow 1",
    "Tomato 3",
    "Tomato Cherry Orange 1",
    "Tomato Heart 1",
)


def main(tar_path: str) -> None:
    """Replace examples/images by the sample of the tar."""
    shutil.rmtree(IMAGES, ignore_errors=True)
    with tarfile.open(tar_path) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        for variety in VARIETIES:
            for member in spread(of_variety(members, variety)):
                copy(tar, member, IMAGES / variety / PurePosixPath(member.name).name)


def of_variety(members: list[tarfile.TarInfo], variety: str) -> list[tarfile.TarInfo]:
    """The training images of a variety, in the order in which the fruit was turned."""
    its_own = [
        member
        for member in members
        if PurePosixPath(member.name).parts[-3:-1] == ("Training", variety)
    ]
    return sorted(its_own, key=lambda member: natural_order(PurePosixPath(member.name).name))


def spread(members: list[tarfile.TarInfo]) -> list[tarfile.TarInfo]:
    """Evenly spaced members: neighbours are almost the same view of the same fruit."""
    return [
        members[index * len(members) // IMAGES_PER_VARIETY] for index in range(IMAGES_PER_VARIETY)
    ]


def natural_order(name: str) -> list[int | str]:
    """r2_9_100.jpg before r2_10_100.jpg."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """The member's bytes as `target`."""
    content = tar.extractfile(member)
    if content is None:
        raise ValueError(f"{member.name} is not a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.read())


if __name__ == "__main__":
    main(sys.argv[1])
