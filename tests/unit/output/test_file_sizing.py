"""Files have a reasonable number of rows, and all cores write if there are enough rows."""

from __future__ import annotations

import pytest

from job.output.file_sizing import ROWS_PER_FILE, file_count


@pytest.mark.parametrize(
    ("rows", "slots", "files"),
    [
        (0, 8, 1),
        (240, 8, 1),
        (2_500, 8, 1),
        (2_501, 8, 2),
        (10_000, 2, 2),
        (10_000, 100, 4),
        (50_000, 2, 3),
        (50_000, 8, 8),
        (10_000_000, 64, 500),
    ],
)
def test_the_number_of_files_depends_on_rows_and_cores(rows: int, slots: int, files: int) -> None:
    assert file_count(rows, slots) == files


def test_no_file_has_more_than_the_maximum_of_rows() -> None:
    assert all(
        rows / file_count(rows, slots) <= ROWS_PER_FILE
        for rows in range(1, 200_000, 7_777)
        for slots in (1, 2, 64)
    )
