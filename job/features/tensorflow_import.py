"""The only place that imports TensorFlow and Keras: lazily, separately and without log noise."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast

# C++ writes these lines to stderr before any log level applies, twice in each process.
_NOISE = (b"before absl::InitializeLog()", b"oneDNN custom operations are on")


def tensorflow() -> Any:
    """TensorFlow, imported on the first call.

    Call it in worker processes only: Spark forks them from a parent, and TensorFlow's threads do
    not survive a fork.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        # Hide Keras: importing it costs 1.5 s and inference does not need it.
        with _filter_stderr(), _hide_module("keras"):
            import tensorflow
    import tensorflow

    return tensorflow


def keras() -> Any:
    """Keras on TensorFlow, imported on the first call."""
    tensorflow()
    # The user's ~/.keras/keras.json may name another backend.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # Hide scikit-learn: Keras would import it for 1.2 s.
    with _hide_module("sklearn"):
        import keras
    return keras


@contextmanager
def _hide_module(module: str) -> Iterator[None]:
    """Let imports of an optional module fail."""
    if module in sys.modules:
        yield
        return
    # None makes an import fail; typeshed does not allow it.
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]


@contextmanager
def _filter_stderr() -> Iterator[None]:
    """Buffer what is written to file descriptor 2, then write all lines but the noise."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as buffer, os.fdopen(os.dup(2), "wb") as stderr:
        os.dup2(buffer.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr.fileno(), 2)
            buffer.seek(0)
            stderr.writelines(line for line in buffer if not any(word in line for word in _NOISE))
