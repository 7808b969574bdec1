"""As many images as asked for: those of examples/ again and again, each time in another folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

IMAGES = Path(__file__).parents[2] / "examples" / "images"


@dataclass(frozen=True)
class Sample:
    """Names and bytes of any number of images, of which `files` are the only different ones."""

    files: list[Path]

    @classmethod
    def of_examples(cls) -> Sample:
        """The sample that the repository has."""
        return cls(sorted(path for path in IMAGES.rglob("*") if path.is_file()))

    def name(self, number: int) -> str:
        """Of image `number`: its copy, its label and its file, as a relative path."""
        copy, index = divmod(number, len(self.files))
        path = self.files[index]
        return f"{copy:04d}/{path.parent.name}/{path.name}"

    def content(self, number: int, shift: int = 0) -> bytes:
        """The bytes of image `number`, or with `shift` those of another one."""
        return self.files[(number + shift) % len(self.files)].read_bytes()

    def write(self, folder: Path, count: int) -> Path:
        """`folder`, with the first `count` images in it."""
        for number in range(count):
            place = folder / self.name(number)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self.content(number))
        return folder
