"""Folds batch normalisation into the previous convolution: the same function in fewer passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def fold_batch_norms(model: keras.Model) -> None:
    """Change `model`, for inference only, so that TensorFlow can fuse convolution, bias and ReLU.

    gamma * (conv(x) - mean) / sqrt(variance + epsilon) + beta is conv'(x) + shift, where conv'
    has kernels times gamma / sqrt(variance + epsilon). Grappler fuses a convolution with a
    BiasAdd, not with the Mul and AddV2 that Keras 3 makes of a batch normalisation: without
    this, a third of the time goes into passes over memory. Computes in float64.
    """
    import keras

    convolutions = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    producers = {id(layer.output): layer for layer in model.layers}
    uses = Counter(id(x) for layer in model.layers for x in keras.tree.flatten(layer.input))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            previous = producers[id(layer.input)]
            if isinstance(previous, convolutions) and uses[id(previous.output)] == 1:
                _fold(previous, layer)


def _fold(convolution: Any, batch_norm: Any) -> None:
    deviation = np.sqrt(_float64(batch_norm.moving_variance) + batch_norm.epsilon)
    scale = (_float64(batch_norm.gamma) if batch_norm.scale else 1.0) / deviation
    shift = (_float64(batch_norm.beta) if batch_norm.center else 0.0) - (
        _float64(batch_norm.moving_mean) * scale
    )
    kernel = _float64(convolution.kernel)
    # The last two axes of a depthwise kernel, (input channels, multiplier), are the channels.
    per_channel = scale.reshape(kernel.shape[2:]) if _is_depthwise(convolution) else scale
    convolution.kernel.assign((kernel * per_channel).astype(np.float32))
    if convolution.use_bias:
        shift = shift + _float64(convolution.bias) * scale
        convolution.bias.assign(np.zeros_like(convolution.bias.numpy()))
    batch_norm.call = _bias_add(shift.astype(np.float32))


def _bias_add(shift: np.ndarray[Any, np.dtype[np.float32]]) -> Callable[..., Any]:
    """The new `call` of a batch normalisation; Keras passes `training` and `mask`."""
    import tensorflow as tf

    def call(inputs: Any, training: bool = False, mask: Any = None) -> Any:
        return tf.nn.bias_add(inputs, shift)

    return call


def _is_depthwise(convolution: Any) -> bool:
    import keras

    return isinstance(convolution, keras.layers.DepthwiseConv2D)


def _float64(variable: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(variable.numpy(), dtype=np.float64)
