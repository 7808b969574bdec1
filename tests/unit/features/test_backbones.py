"""The registry, and that looking things up costs no TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import pytest

from job.errors import InvalidValueError, WeightsError
from job.features.backbones import backbone
from job.features.weights import resolve_weights


def test_knows_what_mobilenet_takes_and_gives() -> None:
    chosen = backbone("mobilenet_v2")

    assert (chosen.input_size, chosen.dimension, chosen.preprocessing) == ((224, 224), 1280, "tf")


@pytest.mark.parametrize("name", ["vgg16", "xception", "efficientnet_b0"])
def test_a_network_whose_weights_are_not_shipped_asks_for_a_file(name: str) -> None:
    with pytest.raises(WeightsError) as raised:
        resolve_weights(backbone(name))

    assert str(raised.value).startswith(f"no weights are shipped for {name}; expected --weights")
    assert raised.value.exit_code == 11


def test_names_the_known_backbones_when_asked_for_another() -> None:
    with pytest.raises(InvalidValueError, match=r"'resnet9000'; expected .*mobilenet_v2"):
        backbone("resnet9000")


def test_the_driver_resolves_the_shipped_weights_without_tensorflow() -> None:
    program = (
        "import sys\n"
        "import job.features.fingerprint, job.features.network\n"
        "from job.features.backbones import backbone\n"
        "from job.features.weights import resolve_weights\n"
        "resolve_weights(backbone('mobilenet_v2'))\n"
        "print({'tensorflow', 'keras', 'h5py'} & set(sys.modules))\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("set()\n", "")
