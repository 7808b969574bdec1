"""The outcome of a write if another one commits between its snapshot and its commit.

The real Delta and FakeDelta are tested with the same list.
"""

from __future__ import annotations

from dataclasses import dataclass

COMMITTED, CONFLICT = "committed", "conflict"
# Transaction versions; the table's last one is BEFORE.
OLD, BEFORE, HELD, LATER = 10, 20, 30, 40


@dataclass(frozen=True)
class Rule:
    """The write `held` commits after `other`; `paths` are those of the table afterwards.

    The table has the paths a and b at first. `other_version` is the transaction version of `other`;
    None: no transaction.
    """

    held: str
    other: str
    other_version: int | None
    outcome: str
    paths: str


# `append` and `merge` write the path c, and `delete` deletes a.
RULES = [
    Rule("append", "append", LATER, CONFLICT, "abc"),
    Rule("append", "append", None, COMMITTED, "abcc"),
    Rule("append", "merge", None, COMMITTED, "abcc"),
    Rule("append", "optimize", None, COMMITTED, "abc"),
    Rule("append", "fence", LATER, CONFLICT, "ab"),
    Rule("merge", "append", LATER, CONFLICT, "abc"),
    Rule("merge", "append", None, CONFLICT, "abc"),
    Rule("merge", "merge", None, CONFLICT, "abc"),
    Rule("merge", "delete", None, CONFLICT, "b"),
    Rule("merge", "optimize", None, CONFLICT, "ab"),
    Rule("merge", "fence", LATER, CONFLICT, "ab"),
]
