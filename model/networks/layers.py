"""Layers that several networks share."""

from typing import Any

import keras
from keras import layers

from model.settings import Size, shape_of


def input_layer(size: Size, halvings: int) -> keras.KerasTensor:
    """Return the input for frames of `size`, which can be halved so often. Raises ValueError for another size."""
    if any(each % 2**halvings for each in shape_of(size)):
        raise ValueError(f"expected an input size that is a multiple of {2**halvings}, got {size}")
    return keras.Input((*shape_of(size), 3), name="image")


def convolution(
    x: keras.KerasTensor, width: int, kernel: int = 3, activation: str | None = "relu", **options: Any
) -> keras.KerasTensor:
    """Return a convolution with He et al.'s (2015) initial weights; without other options it keeps the size of `x`."""
    options = {"padding": "same", "activation": activation, "kernel_initializer": "he_normal"} | options
    return layers.Conv2D(width, kernel, **options)(x)
