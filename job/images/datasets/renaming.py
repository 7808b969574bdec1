"""`image-features clean-names`: plans and applies renames, on a disk or S3, without Spark."""

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
from job.images.datasets.portable_names import Folder, is_portable, renames
from job.images.datasets.transfer import (
    RETRY_SECONDS,
    THREADS,
    copy,
    delete,
    exists,
    same_object,
    translate_storage_errors,
)
from job.images.fetch import shared_s3_client
from job.images.s3a_config import StoreSettings
from job.images.storage import Page, all_pages, retry_transient
from job.path_rules import require_outside
from job.paths import LOCAL_SCHEME, folder_of, split_path
from job.runtime.progress import Steps

COLUMNS = ("old", "new")
_CHUNK = 1_000


class FileTree(Protocol):
    """A tree of files to rename; paths are relative to the input."""

    def children(self, folder: str) -> Folder: ...

    def rename(self, old: str, new: str) -> None:
        """Raises InputNotFoundError if `old` is gone, InvalidValueError if `new` exists."""


@dataclass(frozen=True)
class LocalTree:
    """A local folder; `root` ends in a slash."""

    root: str

    def children(self, folder: str) -> Folder:
        """A link counts as a file: its target is not renamed."""
        path = self.root + folder
        with translate_storage_errors(path, self.root), os.scandir(path) as entries:
            is_folder = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        files = [name for name, folder in is_folder.items() if not folder]
        return Folder(files, [name for name, folder in is_folder.items() if folder])

    def rename(self, old: str, new: str) -> None:
        source, target = Path(self.root + old), Path(self.root + new)
        if ".." in source.parts:
            raise InvalidValueError(
                f"{source} leads out of the input",
                expected="names below it",
                fix="give --resume the file that an earlier --apply wrote",
            )
        with translate_storage_errors(str(source), str(target)):
            source.lstat()
            if os.path.lexists(target):
                raise _name_taken_error(str(target))
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        # Delete folders that are empty now.
        with suppress(OSError):
            os.removedirs(source.parent)


@dataclass(frozen=True)
class S3Tree:
    """A prefix of a bucket; `root` is canonical and ends in a slash."""

    root: str
    settings: StoreSettings

    def children(self, folder: str) -> Folder:
        prefix = split_path(self.root + folder)[2]
        files: list[str] = []
        folders: list[str] = []
        for page in self._pages(prefix):
            keys = (split_path(stored.path)[2] for stored in page.objects)
            files += [key.removeprefix(prefix) for key in keys]
            folders += [key.removeprefix(prefix)[:-1] for key in page.folders]
        return Folder(files, folders)

    def rename(self, old: str, new: str) -> None:
        """Copy, then delete; an equal copy at `new` is left over from an interrupted run."""
        source, target = self.root + old, self.root + new
        if not exists(target, self.settings):
            copy(source, target, self.settings)
        elif not same_object(source, target, self.settings):
            raise _name_taken_error(target)
        delete(source, self.settings)

    def _pages(self, prefix: str) -> Iterator[Page]:
        bucket, client = split_path(self.root)[1], shared_s3_client(self.settings)

        def read_page(token: str | None) -> Page:
            with translate_storage_errors(self.root, self.root):
                page: Page = retry_transient(RETRY_SECONDS, self.root)(
                    client.page, bucket, prefix, delimiter=True, token=token
                )
                return page

        return all_pages(read_page)


def _name_taken_error(target: str) -> InvalidValueError:
    return InvalidValueError(
        f"{target} is there already",
        expected="a folder without other writers",
        fix="run it again",
    )


def open_tree(input_path: str, settings: StoreSettings | None) -> LocalTree | S3Tree:
    """The tree of files under a canonical path.

    Raises InputNotFoundError for a folder that is missing or empty.
    """
    scheme, _, key = split_path(input_path)
    if scheme == LOCAL_SCHEME:
        tree: LocalTree | S3Tree = LocalTree(folder_of(key))
        content = os.path.isdir(key) and tree.children("")
    else:
        assert settings is not None
        tree = S3Tree(folder_of(input_path), settings)
        content = tree.children("")
    if not content or not (content.files or content.folders):
        raise InputNotFoundError(
            f"there is nothing under {input_path}",
            expected="a folder with files",
            fix="check --input: names are case-sensitive",
        )
    return tree


@contextmanager
def write_plan(tree: FileTree) -> Iterator[tuple[Path, int]]:
    """A CSV file with the old and the new name of each file to rename, and their number.

    Names go to the disk while the tree is read; the file is deleted when the context ends.
    """
    with tempfile.TemporaryDirectory(prefix="clean-names-") as folder:
        path, count = Path(folder) / "names.csv", 0
        with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for pair in renames(tree.children):
                writer.writerow(pair)
                count += 1
        yield path, count


def read_plan(path: Path) -> Iterator[tuple[str, str]]:
    """The (old, new) paths of a plan."""
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = csv.reader(file)
        next(rows)
        yield from ((old, new) for old, new in rows)


@contextmanager
def open_mapping(mapping: str, settings: StoreSettings | None) -> Iterator[tuple[Path, int]]:
    """The plan that was saved as `mapping`. Raises InvalidValueError if it is not a plan."""
    with tempfile.TemporaryDirectory(prefix="clean-names-") as folder:
        path = Path(folder) / "names.csv"
        copy(mapping, f"file://{path}", settings)
        if not path.read_bytes().startswith(",".join(COLUMNS).encode()):
            raise _invalid_mapping_error(mapping, "does not begin with old,new")
        yield path, _validate_mapping(path, mapping)


def _validate_mapping(path: Path, mapping: str) -> int:
    """The number of names in a plan; InvalidValueError if `renames` cannot have made it."""
    total = 0
    try:
        for _, new in read_plan(path):
            total += 1
            # The object that represents a folder has the name of the folder: `a/`.
            if not all(map(is_portable, new.removesuffix("/").split("/"))):
                raise _invalid_mapping_error(mapping, f"names {new!r}, which is not portable")
    except ValueError as error:
        raise _invalid_mapping_error(
            mapping, f"cannot be read after {total:,} names: {error}"
        ) from error
    return total


def _invalid_mapping_error(mapping: str, what: str) -> InvalidValueError:
    return InvalidValueError(
        f"--resume {mapping} {what}",
        expected="the CSV file that an earlier --apply wrote",
        fix="use the path that --apply printed",
    )


def require_new_mapping(mapping: str, input_path: str, settings: StoreSettings | None) -> None:
    """Raise InvalidValueError if the mapping is inside the input, or exists.

    An earlier mapping must stay: it is the only record of the old names.
    """
    require_outside("--mapping", mapping, "the input", input_path)
    if exists(mapping, settings):
        raise InvalidValueError(
            f"--mapping {mapping} is there already",
            expected="a new file",
            fix="choose another, or leave it out; to continue with this one, use --resume",
        )


def apply_renames(tree: FileTree, names: Path, total: int, steps: Steps, *, resumes: bool) -> None:
    """Rename all files of a plan, in parallel; raises the first error.

    With `resumes`, files that are gone count as renamed by the interrupted run.
    """
    done = 0

    def rename(pair: tuple[str, str]) -> None:
        with suppress(*([InputNotFoundError] if resumes else [])):
            tree.rename(*pair)

    pairs = read_plan(names)
    with (
        steps.step("rename", unit="files", total=total, done=lambda: done),
        ThreadPoolExecutor(THREADS, thread_name_prefix="rename") as pool,
    ):
        while chunk := list(islice(pairs, _CHUNK)):
            for _ in pool.map(rename, chunk):
                done += 1


def default_mapping_path(input_path: str, run_id: str) -> str:
    """The default path of the mapping: next to the folder, or inside if the input is a bucket."""
    at_root = not split_path(input_path)[2].strip("/")
    return f"{input_path}{'/' if at_root else '.'}renamed-{run_id}.csv"
