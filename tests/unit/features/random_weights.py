"""Weights files like Keras's official ones, with seeded random tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np


def randomise(model: Any, images: Any, seed: int = 1) -> Any:
    """`model` with random tensors; batch normalisations have the moments of their inputs.

    As after training, values keep their size from layer to layer. `images` are preprocessed.
    """
    import keras

    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    for layer in model.layers:
        for variable in layer.weights:
            variable.assign(_tensor(layer, variable, random))
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
    model(images, training=True)
    return model


def _tensor(layer: Any, variable: Any, random: np.random.Generator) -> Any:
    shape = tuple(variable.shape)
    if type(layer).__name__ == "Normalization":
        # The values of the official files of EfficientNet.
        official = {"mean": (0.485, 0.456, 0.406), "variance": (0.229, 0.224, 0.225), "count": 0}
        return official[variable.name]
    if variable.name in ("gamma", "moving_variance"):
        return random.uniform(0.5, 1.5, shape)
    if "kernel" in variable.name:
        depthwise = "depthwise" in variable.name or type(layer).__name__ == "DepthwiseConv2D"
        inputs = np.prod(shape[:2] if depthwise else shape[:-1])
        return random.normal(0, np.sqrt(2 / inputs), shape)
    return random.normal(0, 0.1, shape)


def write_keras_2(model: Any, path: Path, *, top: bool = False) -> Path:
    """Write the layout of official files, such as vgg16_weights_tf_dim_ordering_tf_kernels.h5.

    `top` adds a layer at the end, as in files of classifiers.
    """
    layers = {layer.name: {w.name: w.numpy() for w in layer.weights} for layer in model.layers}
    if top:
        layers["predictions"] = {"kernel": np.zeros((model.output.shape[-1], 10), np.float32)}
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        file.attrs["backend"] = b"tensorflow"
        for layer, tensors in layers.items():
            group = file.create_group(layer)
            names = [f"{layer}/{name}:0" for name in tensors]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, tensor in zip(names, tensors.values(), strict=True):
                group.create_dataset(name, data=tensor)
    return path
