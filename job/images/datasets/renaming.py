"""`image-features clean-names`: what would be renamed, and renaming it; local or S3, no Spark."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from job.errors import InputNotFoundError, InvalidValueError
from job.images.datasets.portable_names import Folder, is_portable, renamings
from job.images.datasets.transfer import (
    RETRY_SECONDS,
    THREADS,
    copy,
    delete,
    exists,
    same_object,
    told,
)
from job.images.fetch import s3_objects
from job.images.s3a_config import StoreSettings
from job.images.storage import Page, all_pages, retrying
from job.path_rules import require_outside
from job.paths import LOCAL_SCHEME, folder_of, split_path
from job.runtime.progress import Steps

COLUMNS = ("old", "new")
_CHUNK = 1_000


class Place(Protocol):
    """Where names are: what is in a folder, and how a path changes; paths as from the input."""

    def children(self, folder: str) -> Folder: ...

    def rename(self, old: str, new: str) -> None:
        """Raises InputNotFoundError where `old` is gone, InvalidValueError where `new` is taken."""


@dataclass(frozen=True)
class OnDisk:
    """A local folder; `root` ends in a slash."""

    root: str

    def children(self, folder: str) -> Folder:
        """Links are files: what they lead to is not renamed."""
        with told(self.root + folder, self.root), os.scandir(self.root + folder) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        return Folder([name for name, is_dir in found if not is_dir], [n for n, d in found if d])

    def rename(self, old: str, new: str) -> None:
        source, target = Path(self.root + old), Path(self.root + new)
        if ".." in source.parts:
            raise InvalidValueError(
                f"{source} leads out of the input",
                expected="names below it",
                fix="give --resume the file that an earlier --apply has written",
            )
        with told(str(source), str(target)):
            source.lstat()
            if os.path.lexists(target):
                raise _taken(str(target))
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        # A folder whose last file has gone to its new name goes too.
        with suppress(OSError):
            os.removedirs(source.parent)


@dataclass(frozen=True)
class OnS3:
    """A prefix of a bucket; `root` is canonical and ends in a slash."""

    root: str
    settings: StoreSettings

    def children(self, folder: str) -> Folder:
        prefix = split_path(self.root + folder)[2]
        files: list[str] = []
        folders: list[str] = []
        for page in self._pages(prefix):
            keys = (split_path(each.path)[2] for each in page.objects)
            files += [key.removeprefix(prefix) for key in keys]
            folders += [key.removeprefix(prefix)[:-1] for key in page.folders]
        return Folder(files, folders)

    def rename(self, old: str, new: str) -> None:
        """A copy, then a delete; a copy that is there already was made before a stop."""
        source, target = self.root + old, self.root + new
        if not exists(target, self.settings):
            copy(source, target, self.settings)
        elif not same_object(source, target, self.settings):
            raise _taken(target)
        delete(source, self.settings)

    def _pages(self, prefix: str) -> Iterator[Page]:
        bucket, store = split_path(self.root)[1], s3_objects(self.settings)

        def page(token: str | None) -> Page:
            with told(self.root, self.root):
                found: Page = retrying(RETRY_SECONDS, self.root)(
                    store.page, bucket, prefix, delimiter=True, token=token
                )
                return found

        return all_pages(page)


def _taken(target: str) -> InvalidValueError:
    return InvalidValueError(
        f"{target} is there already",
        expected="a folder that nobody else writes to",
        fix="run it again",
    )


def place_of(input_path: str, settings: StoreSettings | None) -> OnDisk | OnS3:
    """Where the names under a canonical path are.

    Raises InputNotFoundError for a folder that is missing or empty.
    """
    scheme, _, key = split_path(input_path)
    if scheme == LOCAL_SCHEME:
        found: OnDisk | OnS3 = OnDisk(folder_of(key))
        there = os.path.isdir(key) and found.children("")
    else:
        assert settings is not None
        found = OnS3(folder_of(input_path), settings)
        there = found.children("")
    if not there or not (there.files or there.folders):
        raise InputNotFoundError(
            f"there is nothing under {input_path}",
            expected="a folder with files",
            fix="check --input: names are case-sensitive",
        )
    return found


@contextmanager
def plan(place: Place) -> Iterator[tuple[Path, int]]:
    """A file with the old and the new name of all that changes, and how many they are.

    The names go to a disk as they are found; the file is there while the context lasts.
    """
    with tempfile.TemporaryDirectory(prefix="clean-names-") as folder:
        path, count = Path(folder) / "names.csv", 0
        with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for pair in renamings(place.children):
                writer.writerow(pair)
                count += 1
        yield path, count


def planned(path: Path) -> Iterator[tuple[str, str]]:
    """The (old, new) of a plan."""
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = csv.reader(file)
        next(rows)
        yield from ((old, new) for old, new in rows)


@contextmanager
def earlier_plan(mapping: str, settings: StoreSettings | None) -> Iterator[tuple[Path, int]]:
    """What `plan` gave when it was kept as `mapping`. Raises InvalidValueError for another file."""
    with tempfile.TemporaryDirectory(prefix="clean-names-") as folder:
        path = Path(folder) / "names.csv"
        copy(mapping, f"file://{path}", settings)
        if not path.read_bytes().startswith(",".join(COLUMNS).encode()):
            raise _no_mapping(mapping, "does not begin with old,new")
        yield path, _checked_count(path, mapping)


def _checked_count(path: Path, mapping: str) -> int:
    """The number of names of a plan, all of which `renamings` can have given."""
    total = 0
    try:
        for _, new in planned(path):
            total += 1
            # The object that stands for a folder is called as the folder is: `a/`.
            if not all(map(is_portable, new.removesuffix("/").split("/"))):
                raise _no_mapping(mapping, f"names {new!r}, which is not portable")
    except ValueError as error:
        raise _no_mapping(mapping, f"cannot be read after {total:,} names: {error}") from error
    return total


def _no_mapping(mapping: str, what: str) -> InvalidValueError:
    return InvalidValueError(
        f"--resume {mapping} {what}",
        expected="the CSV that an earlier --apply has written",
        fix="give the file that it named",
    )


def require_new_mapping(mapping: str, input_path: str, settings: StoreSettings | None) -> None:
    """Raise InvalidValueError for a mapping among the files that are renamed, or over a file.

    An earlier mapping is all that tells the old names: it is not replaced either.
    """
    require_outside("--mapping", mapping, "the input", input_path)
    if exists(mapping, settings):
        raise InvalidValueError(
            f"--mapping {mapping} is there already",
            expected="a new file",
            fix="name another, or leave it out; to go on with it, use --resume",
        )


def apply(place: Place, names: Path, total: int, steps: Steps, *, resumes: bool) -> None:
    """Rename all that a plan names, many at once; raises what the first failure raises.

    With `resumes` what is gone has been renamed before.
    """
    done = 0

    def rename(pair: tuple[str, str]) -> None:
        with suppress(*([InputNotFoundError] if resumes else [])):
            place.rename(*pair)

    pairs = planned(names)
    with (
        steps.step("rename", unit="files", total=total, done=lambda: done),
        ThreadPoolExecutor(THREADS, thread_name_prefix="rename") as pool,
    ):
        while chunk := list(islice(pairs, _CHUNK)):
            for _ in pool.map(rename, chunk):
                done += 1


def mapping_path(input_path: str, run_id: str) -> str:
    """Where the mapping goes: beside the folder, with a name of its own; in a bucket of its own."""
    at_root = not split_path(input_path)[2].strip("/")
    return f"{input_path}{'/' if at_root else '.'}renamed-{run_id}.csv"
