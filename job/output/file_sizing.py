"""Chooses the number of files for rows: enough for all cores, but not thousands."""

from __future__ import annotations

# 20,000 rows of 1,280 floats are about 100 MB, of 300 components 25 MB: good sizes for a file.
ROWS_PER_FILE = 20_000
# A smaller file is not worth a task. Files this small keep all cores writing.
MIN_ROWS_PER_FILE = 2_500


def file_count(rows: int, slots: int) -> int:
    """The number of files for `rows` rows that `slots` parallel tasks write; at least 1."""
    parallel_files = min(slots, -(-rows // MIN_ROWS_PER_FILE))
    return max(1, -(-rows // ROWS_PER_FILE), parallel_files)
