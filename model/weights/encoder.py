"""Learnt weights for the encoders of the networks that are made for them."""

import keras

from model.weights.efficientnet import load_efficientnet
from model.weights.find import WeightsError
from model.weights.vgg16 import load_vgg16

NONE = "none"
LOADERS = {"block1_conv1": load_vgg16, "encoder0_0_depthwise": load_efficientnet}  # by a layer that only one has


def load_encoder(network: keras.Model, source: str) -> float:
    """Set the weights of a network's encoder; return which fraction of its weights they are.

    `source` is "none", or what the loader for the encoder takes. Raises WeightsError.
    """
    if source == NONE:
        return 0.0
    names = {layer.name for layer in network.layers}
    for layer, load in LOADERS.items():
        if layer in names:
            return load(network, source)
    raise WeightsError("--encoder-weights needs a preset whose encoder is known: fcn8-vgg16 or efficientnet-lite0")
