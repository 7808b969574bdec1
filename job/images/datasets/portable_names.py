"""Names that every system can hold: one for each file and folder, none twice in a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from job.images.datasets.transliteration import GAP, PORTABLE, transliterated

# Disks take 255 bytes; a number may still come.
_LONGEST = 240
_UNNAMED = "unnamed"


@dataclass(frozen=True)
class Folder:
    """The names right in a folder; on S3 a file and a folder may share one.

    The file `` is the object that stands for the folder itself.
    """

    files: list[str]
    folders: list[str]


@dataclass(frozen=True)
class NewNames:
    """The new name of each file and each folder of a Folder."""

    files: dict[str, str]
    folders: dict[str, str]


# SeaweedFS goes on listing such for minutes after its objects have gone.
_EMPTY = Folder([""], [])

# What is in a folder, named as from the input: `` is the input, `a/b/` a folder below.
Children = Callable[[str], Folder]


def renamings(children: Children, old: str = "", new: str = "") -> Iterator[tuple[str, str]]:
    """(old, new) of every file whose path changes, its folders' names included; in order.

    Empty folders stay as they are.
    Holds the names of one folder and of those above it.
    """
    found = children(old)
    if found == _EMPTY:
        return
    names = new_names(found)
    for file, name in sorted(names.files.items()):
        if old + file != new + name:
            yield old + file, new + name
    for folder, name in sorted(names.folders.items()):
        yield from renamings(children, f"{old}{folder}/", f"{new}{name}/")


def new_names(folder: Folder) -> NewNames:
    """Portable names, no two alike; a name that is portable stays, the others get numbers."""
    taken = {name for name in [*folder.files, *folder.folders] if is_portable(name)}

    def named(name: str, extension: str) -> str:
        if is_portable(name):
            return name
        chosen = next(each for each in _numbered(name, extension) if each not in taken)
        taken.add(chosen)
        return chosen

    # The object that stands for the folder is called as the folder is.
    files = sorted(name for name in folder.files if name)
    marker = {"": ""} if "" in folder.files else {}
    return NewNames(
        marker | {name: named(name, os.path.splitext(name)[1]) for name in files},
        {name: named(name, "") for name in sorted(folder.folders)},
    )


def is_portable(name: str) -> bool:
    """Whether a name has only letters, digits, `.`, `_` and `-`, and is no trap."""
    return (
        0 < len(name) <= _LONGEST
        and PORTABLE.issuperset(name)
        and not name.startswith("-")
        and not name.endswith(".")
    )


def _numbered(name: str, extension: str) -> Iterator[str]:
    """The portable name, then it with 2, 3 and so on before the extension."""
    ending = re.sub(f"[{GAP}]+", "_", transliterated(extension)).rstrip("._")[: _LONGEST // 2]
    stem = _cleaned(name.removesuffix(extension) if extension else name)
    stem = stem[: _LONGEST - len(ending) - len("_1000000")] or _UNNAMED
    yield stem + ending
    for number in count(2):
        yield f"{stem}_{number}{ending}"


def _cleaned(stem: str) -> str:
    words = transliterated(stem).split(GAP)
    return "_".join(filter(None, words)).lstrip("-").rstrip(".")
