"""A rewritten network gives the network's own predictions, whatever its weights."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import networks
from model.inference.graph_rewrites import rewrite_for_cpu

pytestmark = pytest.mark.slow


@settings(max_examples=25)  # each builds two networks
@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    channels=st.integers(1, 4),
    activation=st.sampled_from(["relu", "softmax", None]),
)
def test_a_transposed_convolution_is_four_convolutions(seed, rows, columns, channels, activation):
    image = keras.Input((rows, columns, channels))
    layer = keras.layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation=activation, name="logits")
    network = keras.Model(image, layer(image))
    random = np.random.default_rng(seed)
    network.set_weights([random.normal(size=weight.shape) for weight in network.get_weights()])
    pictures = random.normal(size=(2, rows, columns, channels)).astype(np.float32)
    rewritten = rewrite_for_cpu(network)
    assert not isinstance(rewritten.get_layer("logits"), keras.layers.Conv2DTranspose)
    np.testing.assert_allclose(rewritten(pictures), network(pictures), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("preset", ["pyramid-small", "fcn-2"])
def test_a_whole_network_keeps_its_predictions(preset):
    network = networks.build(preset, 32)
    random = np.random.default_rng(1)
    network.set_weights([weight + random.normal(0, 0.05, weight.shape) for weight in network.get_weights()])
    pictures = random.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(rewrite_for_cpu(network)(pictures), network(pictures), atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"kernel_size": 3}, {"kernel_size": 4, "padding": "valid"}, {"kernel_size": 4, "use_bias": False}]
)
def test_other_transposed_convolutions_are_left_alone(options):
    image = keras.Input((6, 6, 2))
    layer = keras.layers.Conv2DTranspose(3, strides=2, **({"padding": "same"} | options))
    network = keras.Model(image, layer(image))
    assert rewrite_for_cpu(network) is network
