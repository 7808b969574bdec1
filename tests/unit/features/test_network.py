"""Features of real images, compared with Keras."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from job.errors import WeightsError
from job.features.network import Network, NetworkSpec, network
from job.images.decode import DecodeRules, decode
from tests.support.network_counter import counting, images_through_network

Images = np.ndarray[Any, np.dtype[np.uint8]]

SAMPLE = Path(__file__).parents[3] / "examples" / "images"


def test_features_equal_those_of_keras(built: Network, with_top: Any, images: Images) -> None:
    import keras

    pool = keras.Model(with_top.input, with_top.layers[-2].output)
    inputs = keras.applications.mobilenet_v2.preprocess_input(images.astype(np.float32))
    expected = pool.predict(inputs, verbose=0)

    features = built.features(images)

    assert features.shape == (24, 1280)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4)
    # Different images must have different features.
    assert np.abs(expected[0] - expected[2]).max() > 0.1


def test_the_rounding_of_the_resize_does_not_change_features(
    built: Network, images: Images
) -> None:
    files = [file for folder in sorted(SAMPLE.iterdir()) for file in sorted(folder.iterdir())[:2]]
    decoded = np.stack([decode(file.read_bytes(), DecodeRules(224, 224)) for file in files])

    expected, features = built.features(images), built.features(decoded)

    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(features, axis=1)
    assert ((expected * features).sum(axis=1) / lengths).min() >= 0.9999


def test_features_do_not_depend_on_the_batch(built: Network, images: Images) -> None:
    batched = built.features(images)

    single = np.concatenate([built.features(images[i : i + 1]) for i in range(len(images))])

    np.testing.assert_allclose(single, batched, rtol=0, atol=1e-5)


def test_features_of_several_batches_are_in_order(
    spec: NetworkSpec, images: Images, built: Network
) -> None:
    small = network(replace(spec, batch_size=7))

    np.testing.assert_allclose(small.features(images), built.features(images), rtol=0, atol=1e-5)


def test_the_network_is_built_once_per_process(spec: NetworkSpec) -> None:
    assert network(spec) is network(pickle.loads(pickle.dumps(spec)))


def test_a_model_that_differs_from_the_drivers_is_refused(spec: NetworkSpec) -> None:
    with pytest.raises(WeightsError, match="expected 0123, as on the driver"):
        network(replace(spec, sha256="0123"))


def test_a_worker_needs_no_tensorflow_and_writes_nothing_to_stderr(spec: NetworkSpec) -> None:
    program = (
        "import sys\n"
        "import job.features.worker\n"
        "from job.features.network import NetworkSpec, network\n"
        f"network({spec!r})\n"
        "print({'tensorflow', 'keras', 'h5py', 'tf2onnx', 'onnx'} & set(sys.modules))\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_onnx_runtime_sends_no_telemetry(spec: NetworkSpec, tmp_path: Path) -> None:
    """Its telemetry keeps events in a database below the home folder, and sends them from there."""
    program = (
        "import os, time\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from job.features.network import NetworkSpec, network\n"
        f"network({spec!r}).features(np.zeros((1, 224, 224, 3), np.uint8))\n"
        "time.sleep(1)\n"
        "files = Path('/proc/self/fd').iterdir()\n"
        "print([os.readlink(file) for file in files if file.is_symlink()])\n"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **home},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "socket" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_network_counter_counts_each_image(
    built: Network, images: Images, tmp_path: Path
) -> None:
    feed = counting(lambda batches: (built.features(batch) for batch in batches), tmp_path)

    fed = list(feed(iter([images[:3], images[3:5]])))
    built.features(images[:1])

    assert [len(features) for features in fed] == [3, 2]
    assert images_through_network(tmp_path) == 5
