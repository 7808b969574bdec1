"""The parent of Python workers without requests and network; named by spark.python.daemon.module.

Each image is one black pixel, and a batch of them costs SIMULATED_SECONDS an image asleep, where
the network would compute; what comes out are a few zeros. All else is the job's own.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from job.features import network, worker
from job.images.fetch import FetchedImage
from job.runtime import worker_daemon

MODULE = "tests.support.simulating_daemon"
SECONDS = "SIMULATED_SECONDS"
FEATURES = 4
_PIXEL = np.zeros((1, 1, 3), np.uint8)


class SleepingNetwork:
    """In the place of job.features.network.Network."""

    def __init__(self) -> None:
        self._seconds = float(os.environ[SECONDS])

    def features(self, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Zeros, (images, FEATURES) float32, after so long a sleep."""
        time.sleep(self._seconds * len(batch))
        return np.zeros((len(batch), FEATURES), np.float32)


def simulate() -> None:
    """Put simulations in the place of the real calls, in this process and those that it forks."""
    asleep = SleepingNetwork()
    changed: dict[str, Any] = {
        "network": lambda spec: asleep,
        "_fetched": lambda batches, spec: (
            FetchedImage(image, b"") for image in worker._listed_images(batches)
        ),
        "_decode": lambda fetched, rules: worker._Decoded(fetched.image, _PIXEL),
    }
    for name, function in changed.items():
        # A name that is no more would leave the real call.
        assert hasattr(worker, name), name
        setattr(worker, name, function)
    assert hasattr(network, "start_network")
    network.start_network = lambda spec: None


def main() -> None:
    """Serve as the job's daemon does."""
    worker_daemon.prefer_installed_pyspark()
    simulate()
    worker_daemon.main()


if __name__ == "__main__":
    main()
