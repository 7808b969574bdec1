"""The maker of models: Keras builds a backbone, loads weights, and tf2onnx converts it to ONNX.

The only module that imports TensorFlow and Keras. Featurizing needs neither.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from job.errors import WeightsError
from job.features.backbones import Backbone

if TYPE_CHECKING:
    import h5py
    import keras

# ONNX Runtime reads this version and later ones; the operations of the backbones need no newer one.
OPSET = 18

# Standard deviations of red, green and blue; values are from 0 to 1.
_IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)


def import_keras() -> Any:
    """Keras on TensorFlow, without TensorFlow's lines on stderr."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # ~/.keras/keras.json may name another backend.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    return keras


def build(backbone: Backbone) -> keras.Model:
    """The network with random weights; downloads nothing."""
    model = getattr(import_keras().applications, backbone.application)(
        include_top=False,
        weights=None,
        pooling=backbone.pooling,
        input_shape=(*backbone.input_size, 3),
    )
    if backbone.imagenet_rescaling:
        _rescale_as_imagenet(model)
    return model


def load_weights(model: keras.Model, backbone: Backbone, file: str | Path) -> None:
    """Copy the tensors of `file` into `model`, a network that `build` made.

    Takes .weights.h5 of Keras 3 and HDF5 of Keras 2 (weights or whole model), with or without
    the top. Raises WeightsError for a file that is missing, damaged or of another network; do not
    use the model after that.
    """
    import h5py

    path = Path(file)
    try:
        with h5py.File(path) as stored:
            weights = stored.get("model_weights", stored)
            if "layer_names" in weights.attrs:
                _load_keras_2(model, weights)
            else:
                _load_keras_3(model, path)
        _require_finite(model)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        why = " ".join(str(error).split())
        raise WeightsError(
            f"cannot load weights file {path}: {why[:300]}",
            expected=f"a complete HDF5 weights file that Keras wrote for {backbone.name}",
            fix="check --weights, or leave it out to use the shipped file",
        ) from error


def tensors_sha256(model: keras.Model) -> str:
    """The hash of a network's tensors: shape, dtype and little-endian bytes, in layer order.

    Independent of names, so files with and without top, of Keras 2 or 3, have the same hash.
    """
    digest = hashlib.sha256()
    for variable in _variables(model):
        tensor = variable.numpy()
        digest.update(f"{tensor.shape} {tensor.dtype.name}\n".encode())
        digest.update(tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def to_onnx(model: keras.Model, backbone: Backbone) -> bytes:
    """Preprocessing and `model` as ONNX: uint8 (n, height, width, 3) to float32 (n, d), any n."""
    import tensorflow as tf
    import tf2onnx
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    preprocess_input = import_keras().applications.imagenet_utils.preprocess_input

    def features(images: Any) -> Any:
        pixels = tf.cast(images, tf.float32)
        if backbone.preprocessing != "none":
            pixels = preprocess_input(pixels, mode=backbone.preprocessing)
        return model(pixels, training=False)

    images = tf.TensorSpec((None, *backbone.input_size, 3), tf.uint8)
    traced = tf.function(features, autograph=False).get_concrete_function(images)
    # tf2onnx would make inputs of the tensors of a Normalization, which are no variables.
    frozen = convert_variables_to_constants_v2(traced)
    (image_tensor,), (feature_tensor,) = frozen.inputs, frozen.outputs
    converted, _ = tf2onnx.convert.from_graph_def(
        frozen.graph.as_graph_def(),
        input_names=[image_tensor.name],
        output_names=[feature_tensor.name],
        opset=OPSET,
    )
    serialized: bytes = converted.SerializeToString(deterministic=True)
    return serialized


def _rescale_as_imagenet(model: keras.Model) -> None:
    """Replace the Rescaling layer that Keras adds after the Normalization with official weights.

    The official files hold the standard deviations of ImageNet as variances (tensorflow issue
    49930): dividing by their square root once more corrects it.
    """
    import keras

    (normalization,) = (x for x in model.layers if isinstance(x, keras.layers.Normalization))
    normalize = normalization.call
    scale = [1 / deviation**0.5 for deviation in _IMAGENET_DEVIATIONS]
    normalization.call = lambda inputs: normalize(inputs) * scale


def _load_keras_3(model: keras.Model, path: Path) -> None:
    # Keras chooses its reader by the file extension, and skips a top that the model lacks.
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Keras warns about missing tensors before it raises.
        warnings.simplefilter("ignore", UserWarning)
        link = Path(folder) / "file.weights.h5"
        link.symlink_to(path.resolve())
        model.load_weights(link)


def _load_keras_2(model: keras.Model, stored: h5py.Group) -> None:
    """Copy layer by layer in order; the remaining layers of the file are the top."""
    layers = [layer for layer in model.layers if layer.weights]
    groups = [group for group in _keras_2_layers(stored) if group]
    if len(groups) < len(layers):
        raise ValueError(f"it has {len(groups)} layers with weights, the network {len(layers)}")
    for layer, tensors in zip(layers, groups, strict=False):
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [tensor.shape for tensor in tensors]:
            raise ValueError(
                f"layer {layer.name} has shapes {shapes}, "
                f"the file {[tensor.shape for tensor in tensors]}"
            )
        for variable, tensor in zip(variables, tensors, strict=True):
            variable.assign(tensor)
        if hasattr(layer, "finalize_state"):
            # A Normalization computes with copies of its variables.
            layer.finalize_state()


def _keras_2_layers(stored: h5py.Group) -> Iterator[list[np.ndarray[Any, Any]]]:
    for name in stored.attrs["layer_names"]:
        group = stored[name]
        yield [np.asarray(group[weight]) for weight in group.attrs["weight_names"]]


def _require_finite(model: keras.Model) -> None:
    for variable in _variables(model):
        if not np.isfinite(variable.numpy()).all():
            raise ValueError(f"{variable.path} holds values that are not finite")


def _variables(model: keras.Model) -> Iterator[Any]:
    for layer in model.layers:
        yield from layer.weights
