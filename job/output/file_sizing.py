"""How many files rows are written as: neither one for all cores nor thousands."""

from __future__ import annotations

# 20,000 rows of 1,280 floats are about 100 MB, of 300 components 25 MB: good sizes for a file.
ROWS_PER_FILE = 20_000
# Below that a file is not worth a task of its own; above, no core waits for one that writes.
LEAST_ROWS_PER_FILE = 2_500


def file_count(rows: int, slots: int) -> int:
    """Files for `rows` rows that `slots` tasks write at once; at least one."""
    side_by_side = min(slots, -(-rows // LEAST_ROWS_PER_FILE))
    return max(1, -(-rows // ROWS_PER_FILE), side_by_side)
