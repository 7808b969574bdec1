"""All places of an output are known as the program's own."""

from __future__ import annotations

from job.layout import Layout

LAYOUT = Layout("s3a://bucket/out")
LISTS = {"own_paths", "example_files"}


def test_every_place_of_an_output_is_among_its_own_paths() -> None:
    names = [name for name, kind in vars(Layout).items() if isinstance(kind, property)]
    places = [getattr(LAYOUT, name) for name in names if name not in LISTS]
    places += [LAYOUT.summary("run"), LAYOUT.drift("run"), LAYOUT.staging("run", 1)]
    own = [f"{path}/" for path in LAYOUT.own_paths]
    assert [p for p in places if not any(f"{p}/".startswith(path) for path in own)] == []


def test_there_is_an_example_of_the_files_in_every_place() -> None:
    # What is staged is gone when a run ends.
    lasting = set(LAYOUT.own_paths) - {LAYOUT.all_staging}
    examples = [f"{file}/" for file in LAYOUT.example_files]
    assert [p for p in lasting if not any(e.startswith(f"{p}/") for e in examples)] == []
