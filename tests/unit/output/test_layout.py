"""The lists of the paths of an output are complete."""

from __future__ import annotations

from job.layout import Layout

LAYOUT = Layout("s3a://bucket/out")
LISTS = {"own_paths", "example_files"}


def test_own_paths_contain_every_path_of_an_output() -> None:
    names = [name for name, kind in vars(Layout).items() if isinstance(kind, property)]
    paths = [getattr(LAYOUT, name) for name in names if name not in LISTS]
    paths += [LAYOUT.summary("run"), LAYOUT.drift("run"), LAYOUT.staging("run", 1)]
    prefixes = [f"{path}/" for path in LAYOUT.own_paths]
    assert [path for path in paths if not f"{path}/".startswith(tuple(prefixes))] == []


def test_every_path_has_an_example_file() -> None:
    # Staged files are deleted when a run ends.
    permanent = set(LAYOUT.own_paths) - {LAYOUT.all_staging}
    examples = [f"{file}/" for file in LAYOUT.example_files]
    assert [p for p in permanent if not any(e.startswith(f"{p}/") for e in examples)] == []
