"""The one place that imports TensorFlow and Keras: late, one without the other, and quietly."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast

# Written to stderr from C++ before any log level holds, twice in each process.
_NOISE = (b"before absl::InitializeLog()", b"oneDNN custom operations are on")


def tensorflow() -> Any:
    """TensorFlow, imported on the first call.

    Only worker processes may get here: the parent that Spark forks them from must stay without
    TensorFlow's threads, which do not survive a fork.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        # It takes Keras along where it is, for 1.5 s of our time; a graph that is built needs none.
        with _without_noise(), _without("keras"):
            import tensorflow
    import tensorflow

    return tensorflow


def keras() -> Any:
    """Keras on TensorFlow, imported on the first call."""
    tensorflow()
    # A person's ~/.keras/keras.json may name another backend.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # Keras wraps scikit-learn where it is, for 1.2 s.
    with _without("sklearn"):
        import keras
    return keras


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Let an optional import fail."""
    if module in sys.modules:
        yield
        return
    # None, which typeshed does not know, is Python's own way to say so.
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]


@contextmanager
def _without_noise() -> Iterator[None]:
    """Hold back what is written to file descriptor 2 and pass on all but the noise, errors too."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held, os.fdopen(os.dup(2), "wb") as stderr:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr.fileno(), 2)
            held.seek(0)
            stderr.writelines(line for line in held if not any(word in line for word in _NOISE))
