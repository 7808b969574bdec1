"""The parent of Python workers without requests and network, for `spark.python.daemon.module`.

Each image is one black pixel. Instead of the network, a batch sleeps for SIMULATED_SECONDS per
image, and its features are zeros. All other code is that of the job.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from job.features import worker
from job.images.fetch import FetchedImage
from job.runtime import worker_daemon

MODULE = "tests.support.simulating_daemon"
SECONDS = "SIMULATED_SECONDS"
FEATURES = 4
_PIXEL = np.zeros((1, 1, 3), np.uint8)


class SleepingNetwork:
    """Replaces job.features.network.Network."""

    def __init__(self) -> None:
        self._seconds = float(os.environ[SECONDS])

    def features(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Zeros, (images, FEATURES) float32, after a sleep."""
        time.sleep(self._seconds * len(batch))
        return np.zeros((len(batch), FEATURES), np.float32)


def simulate() -> None:
    """Replace the real calls with simulations, in this process and its forks."""
    network_stub = SleepingNetwork()
    replacements: dict[str, Any] = {
        "network": lambda spec: network_stub,
        "_fetched": lambda batches, spec: (
            FetchedImage(image, b"") for image in worker._listed_images(batches)
        ),
        "_decode": lambda fetched, rules: worker._Decoded(fetched.image, _PIXEL),
    }
    for name, function in replacements.items():
        # A renamed function would keep the real call.
        assert hasattr(worker, name), name
        setattr(worker, name, function)


def main() -> None:
    """Fork workers like the daemon of the job."""
    worker_daemon.prefer_installed_pyspark()
    simulate()
    worker_daemon.main()


if __name__ == "__main__":
    main()
