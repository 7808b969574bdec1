"""Folded networks compute the same function as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from job.features.batch_norm_folding import fold_batch_norms
from job.features.network import Network


def network_with(convolution: Any, batch_norm: Any) -> Any:
    """Convolution, batch normalisation and a second path around both, with random tensors."""
    import keras

    inputs = keras.Input((8, 8, 3))
    convolved = convolution(inputs)
    model = keras.Model(inputs, [batch_norm(convolved), keras.layers.ReLU()(inputs)])
    random = np.random.default_rng(3)
    for variable in model.weights:
        variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return model


@pytest.mark.parametrize("kind", ["Conv2D", "DepthwiseConv2D"])
@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("scale_and_center", [False, True])
def test_folding_keeps_the_function(
    kind: str, use_bias: bool, scale_and_center: bool, built: Network
) -> None:
    import keras

    filters = {"filters": 5} if kind == "Conv2D" else {"depth_multiplier": 2}
    convolution = getattr(keras.layers, kind)(kernel_size=3, use_bias=use_bias, **filters)
    model = network_with(
        convolution,
        keras.layers.BatchNormalization(scale=scale_and_center, center=scale_and_center),
    )
    batch = np.random.default_rng(4).normal(size=(2, 8, 8, 3)).astype(np.float32)
    expected = model(batch, training=False)[0].numpy()
    kernel = convolution.kernel.numpy()

    fold_batch_norms(model)

    np.testing.assert_allclose(
        model(batch, training=False)[0].numpy(), expected, rtol=1e-5, atol=1e-4
    )
    assert not np.array_equal(convolution.kernel.numpy(), kernel)


def test_a_convolution_with_another_consumer_is_not_folded(built: Network) -> None:
    import keras

    inputs = keras.Input((8, 8, 3))
    convolution = keras.layers.Conv2D(4, 3)
    convolved = convolution(inputs)
    normalised = keras.layers.BatchNormalization()(convolved)
    model = keras.Model(inputs, keras.layers.Add()([convolved, normalised]))
    kernel = convolution.kernel.numpy()

    fold_batch_norms(model)

    np.testing.assert_array_equal(convolution.kernel.numpy(), kernel)
