"""A small network of the kind that this project trains, for the tests of model files."""

import keras
import numpy as np
from keras import layers


def small_network(precision: str | None = None) -> keras.Model:
    """Return the network with random weights, for (8, 12) pixels."""
    image = keras.Input((8, 12, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    block = keras.Sequential([layers.Conv2D(4, 3, padding="same", use_bias=False), layers.BatchNormalization()])
    skip = x = layers.Activation("relu", dtype=precision)(block(x))
    x = layers.SeparableConv2D(4, 3, strides=2, padding="same", dtype=precision)(x)
    x = layers.SpatialDropout2D(0.2)(layers.UpSampling2D(2, interpolation="bilinear")(x))
    x = layers.Add()([x, skip])
    model = keras.Model(image, layers.Conv2D(3, 1, activation="softmax", dtype=precision)(x))
    rng = np.random.default_rng(4)
    model.set_weights([rng.uniform(0.1, 1, size=w.shape) for w in model.get_weights()])
    return model
