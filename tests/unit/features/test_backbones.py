"""The registry of backbones, and lookups without TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import pytest

from job.errors import InvalidValueError, WeightsError
from job.features.backbones import backbone
from job.features.models import resolve_model


def test_the_registry_has_the_input_and_output_of_mobilenet() -> None:
    mobilenet = backbone("mobilenet_v2")

    assert (mobilenet.input_size, mobilenet.dimension) == ((224, 224), 1280)
    assert mobilenet.preprocessing == "tf"


@pytest.mark.parametrize("name", ["vgg16", "xception", "efficientnet_b0"])
def test_a_network_without_shipped_weights_requires_a_file(name: str) -> None:
    with pytest.raises(WeightsError) as raised:
        resolve_model(backbone(name))

    assert str(raised.value).startswith(f"no weights are shipped for {name}; expected --weights")
    assert raised.value.exit_code == 11


def test_the_error_for_an_unknown_backbone_lists_the_known_ones() -> None:
    with pytest.raises(InvalidValueError, match=r"'resnet9000'; expected .*mobilenet_v2"):
        backbone("resnet9000")


def test_the_driver_resolves_the_shipped_model_without_tensorflow() -> None:
    program = (
        "import sys\n"
        "import job.features.fingerprint, job.features.network\n"
        "from job.features.backbones import backbone\n"
        "from job.features.models import resolve_model\n"
        "resolve_model(backbone('mobilenet_v2'))\n"
        "print({'tensorflow', 'keras', 'h5py', 'tf2onnx', 'onnx'} & set(sys.modules))\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("set()\n", "")
