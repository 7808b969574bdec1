"""The parent of all Python workers of an executor: PySpark's daemon, without archives in sys.path.

Spark adds pyspark.zip and its core jar to the path of the workers. Each task starts with
importlib.invalidate_caches(), which in Python 3.11 reads the directories of these archives again:
0.15 s of CPU per task. `spark.python.daemon.module` names this module.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path


def prefer_installed_pyspark() -> None:
    """Remove archives from sys.path if pyspark is installed outside of them."""
    original_path = list(sys.path)
    sys.path[:] = [entry for entry in sys.path if not Path(entry).is_file()]
    if importlib.util.find_spec("pyspark") is None:
        sys.path[:] = original_path
        return
    for entry in set(original_path) - set(sys.path):
        sys.path_importer_cache.pop(entry, None)


def main() -> None:
    """Fork workers for the JVM until it closes stdin."""
    prefer_installed_pyspark()
    from pyspark import daemon

    # Workers inherit these imports; a module that starts threads would not survive the fork.
    importlib.import_module("pandas")
    importlib.import_module("pyspark.sql.pandas.types")
    # Workers collect garbage after each task, and need not look at the modules loaded here.
    gc.freeze()
    serve: Callable[[], None] = daemon.manager
    serve()


if __name__ == "__main__":
    main()
