"""Rewrite a network with operations that are fast on CPUs; predictions stay the same but for rounding.

A transposed convolution to three channels has no fast kernel, and Keras' nearest upsampling repeats rows and columns
one axis after the other: in OpenVINO these took a third of a pyramid's time.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def rewrite_for_cpu(network: keras.Model) -> keras.Model:
    """Return a faster network with equivalent weights, or `network` itself if there is nothing to rewrite."""
    if not any(_substitute(layer) for layer in network.layers):
        return network

    def clone(layer: layers.Layer) -> layers.Layer:
        return _substitute(layer) or layer.__class__.from_config(layer.get_config())

    rewritten = keras.models.clone_model(network, clone_function=clone)
    for before, after in zip(network.layers, rewritten.layers, strict=True):
        weights = before.get_weights()
        after.set_weights(_as_convolution(*weights) if _is_rewritable_transpose(before) else weights)
    return rewritten


def _substitute(layer: layers.Layer) -> layers.Layer | None:
    if isinstance(layer, layers.UpSampling2D) and (*layer.size, layer.interpolation) == (2, 2, "nearest"):
        return layers.Lambda(_enlarge, name=layer.name)
    if _is_rewritable_transpose(layer):
        # A softmax over the channels of a pixel must wait until they are those of one pixel.
        last = layer.activation if layer.activation is keras.activations.softmax else None
        at_once = None if last else layer.activation
        convolution = layers.Conv2D(4 * layer.filters, 3, padding="same", activation=at_once, name=layer.name)
        parts = [convolution, layers.Lambda(_depth_to_space), *([layers.Activation(last)] if last else [])]
        return keras.Sequential(parts, name=layer.name)
    return None


def _enlarge(x: tf.Tensor) -> tf.Tensor:
    return tf.image.resize(x, [2 * x.shape[1], 2 * x.shape[2]], "nearest")


def _depth_to_space(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.depth_to_space(x, 2)  # four channels become a square of four pixels


def _is_rewritable_transpose(layer: layers.Layer) -> bool:
    return (
        isinstance(layer, layers.Conv2DTranspose)
        and (layer.kernel_size, layer.strides) == ((4, 4), (2, 2))
        and (layer.padding, layer.use_bias, layer.output_padding) == ("same", True, None)
        and layer.dilation_rate in (1, (1, 1))
    )


def _as_convolution(kernel: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """Turn the weights of a transposed convolution, (4, 4, out, in), into those of a convolution, (3, 3, in, 4 * out).

    Its four groups of channels are the pixels of a 2x2 square. Output row 2 i depends on input rows i - 1 and i through
    kernel rows 3 and 1, output row 2 i + 1 on i and i + 1 through 2 and 0; columns likewise.
    """
    taps = (((0, 3), (1, 1)), ((1, 2), (2, 0)))  # for even and odd rows: row of the 3x3 kernel, row of the 4x4 kernel
    _, _, out, into = kernel.shape
    phases = np.zeros((3, 3, into, 2, 2, out), kernel.dtype)
    for vertical in (0, 1):
        for horizontal in (0, 1):
            for row, kernel_row in taps[vertical]:
                for column, kernel_column in taps[horizontal]:
                    phases[row, column, :, vertical, horizontal] = kernel[kernel_row, kernel_column].T
    return [phases.reshape(3, 3, into, 4 * out), np.tile(bias, 4)]
