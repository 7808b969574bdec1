"""The job's own daemon of Python workers, which note when the first of them had features.

Named by spark.python.daemon.module. The moment, in seconds since the epoch, is the text of the file
FIRST_FEATURES.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Any

from job.runtime import worker_daemon

MODULE = "tests.benchmarks.start_daemon"
FILE_VARIABLE = "FIRST_FEATURES"


def note() -> None:
    """Have the moment noted, in this process and those that it forks."""
    from job.features import worker

    outcome_batch = worker._outcome_batch

    def noted(*arguments: Any) -> Any:
        batch = outcome_batch(*arguments)
        with suppress(FileExistsError), open(os.environ[FILE_VARIABLE], "x") as file:
            file.write(str(time.time()))
        return batch

    worker._outcome_batch = noted


if __name__ == "__main__":
    worker_daemon.prefer_installed_pyspark()
    note()
    worker_daemon.main()
