"""The same network in operations that CPU runtimes are quick at. Answers are the same but for rounding.

A transposed convolution to three channels has no fast kernel, and Keras' nearest upsampling repeats rows and columns
one axis after the other: in OpenVINO these took a third of a pyramid's time.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers


class Nearest(layers.Layer):
    """Doubles rows and columns, as `UpSampling2D(2)`."""

    def call(self, x):
        """(n, rows, cols, channels) -> (n, 2 rows, 2 cols, channels)."""
        return tf.image.resize(x, [2 * x.shape[1], 2 * x.shape[2]], "nearest")


class DepthToSpace(layers.Layer):
    """Four channels become a square of four pixels."""

    def call(self, x):
        """(n, rows, cols, 4 * channels) -> (n, 2 rows, 2 cols, channels)."""
        return tf.nn.depth_to_space(x, 2)


def rewrite_for_cpu(network: keras.Model) -> keras.Model:
    """A network with the same weights and answers; the same one where there is nothing to gain."""
    if not any(_substitute(layer) for layer in network.layers):
        return network

    def clone(layer: layers.Layer) -> layers.Layer:
        return _substitute(layer) or layer.__class__.from_config(layer.get_config())

    twin = keras.models.clone_model(network, clone_function=clone)
    for before, after in zip(network.layers, twin.layers, strict=True):
        weights = before.get_weights()
        after.set_weights(_as_phases(*weights) if _doubles(before) else weights)
    return twin


def _substitute(layer: layers.Layer) -> layers.Layer | None:
    if isinstance(layer, layers.UpSampling2D) and (*layer.size, layer.interpolation) == (2, 2, "nearest"):
        return Nearest(name=layer.name)
    if _doubles(layer):
        phases = layers.Conv2D(4 * layer.filters, 3, padding="same", activation=layer.activation, name=layer.name)
        return keras.Sequential([phases, DepthToSpace()], name=layer.name)
    return None


def _doubles(layer: layers.Layer) -> bool:
    return (
        isinstance(layer, layers.Conv2DTranspose)
        and (layer.kernel_size, layer.strides) == ((4, 4), (2, 2))
        and (layer.padding, layer.use_bias, layer.output_padding) == ("same", True, None)
        and layer.dilation_rate in (1, (1, 1))
    )


def _as_phases(kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """A transposed convolution, kernel (4, 4, out, in), as four 3x3 ones, (3, 3, in, 4 * out): one for each pixel of a
    square.

    Output row 2 i takes input rows i - 1 and i through kernel rows 3 and 1; row 2 i + 1 takes i and i + 1 through 2
    and 0.
    """
    taps = (((0, 3), (1, 1)), ((1, 2), (2, 0)))  # per phase: row of the 3x3 kernel, row of the 4x4 one
    _, _, out, into = kernel.shape
    phases = np.zeros((3, 3, into, 2, 2, out), kernel.dtype)
    for vertical in (0, 1):
        for horizontal in (0, 1):
            for row, kernel_row in taps[vertical]:
                for column, kernel_column in taps[horizontal]:
                    phases[row, column, :, vertical, horizontal] = kernel[kernel_row, kernel_column].T
    return [phases.reshape(3, 3, into, 4 * out), np.tile(bias, 4)]
