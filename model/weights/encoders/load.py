"""Learnt weights for the encoders of the networks that are made for them."""

from collections.abc import Callable

import keras

from model.weights.encoders.efficientnet import load_efficientnet
from model.weights.encoders.vgg16 import load_vgg16
from model.weights.find import WeightsError

NONE = "none"

Loader = Callable[[keras.Model, str], float]

LOADERS: dict[str, Loader] = {  # by a layer that only one has
    "block1_conv1": load_vgg16,
    "encoder0_0_depthwise": load_efficientnet,
}


def encoder_loader(network: keras.Model) -> Loader | None:
    """Return the function that loads weights for a network's encoder; None for an encoder that has no known ones."""
    names = {layer.name for layer in network.layers}
    return next((load for layer, load in LOADERS.items() if layer in names), None)


def load_encoder(network: keras.Model, source: str) -> float:
    """Set the weights of a network's encoder; return which fraction of its weights they are.

    `source` is "none", or what the loader for the encoder takes. Raises WeightsError.
    """
    if source == NONE:
        return 0.0
    if load := encoder_loader(network):
        return load(network, source)
    raise WeightsError("--encoder-weights needs a preset whose encoder is known: fcn8-vgg16 or efficientnet-lite0")
