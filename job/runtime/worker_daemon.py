"""The parent of all Python workers of an executor: pyspark's own, found without archives.

Spark puts pyspark.zip and its core jar on the path of its workers, and each task begins with
importlib.invalidate_caches(), which in Python 3.11 reads the directories of such archives anew:
0.15 s of CPU a task. Named by spark.python.daemon.module.
"""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path


def prefer_installed_pyspark() -> None:
    """Take archives off the path of modules, if pyspark is found without them."""
    with_archives = list(sys.path)
    sys.path[:] = [entry for entry in sys.path if not Path(entry).is_file()]
    if importlib.util.find_spec("pyspark") is None:
        sys.path[:] = with_archives
        return
    for entry in set(with_archives) - set(sys.path):
        sys.path_importer_cache.pop(entry, None)


def main() -> None:
    """Serve forks to the JVM until it closes our stdin."""
    prefer_installed_pyspark()
    from pyspark import daemon

    # Once here instead of once in each worker; nothing that has started threads of its own.
    importlib.import_module("pandas")
    importlib.import_module("pyspark.sql.pandas.types")
    # Workers collect garbage after each task: what is loaded now is none.
    gc.freeze()
    serve: Callable[[], None] = daemon.manager
    serve()


if __name__ == "__main__":
    main()
