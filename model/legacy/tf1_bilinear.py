"""Bilinear upsampling of TensorFlow 1, which models of 2017 need; new models should use UpSampling2D."""

from typing import Any

import keras
from keras import layers, ops

Shape = tuple[int | None, int | None, int | None, int | None]


class BilinearUpSampling2D(layers.Layer):
    """Upsampling by integer factors with the sampling of TensorFlow 1's `resize_bilinear`.

    Output pixel i samples the input at i / factor: no half-pixel centres, corners not aligned. The last row and column
    are repeated. Input (n, rows, columns, channels), output (n, rows * size[0], columns * size[1], channels).
    """

    def __init__(self, size: tuple[int, int] = (2, 2), **kwargs: Any):
        super().__init__(**kwargs)
        self.size = tuple(size)

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Use TensorFlow's own operation where there is one; it is 2 to 4 times faster than `enlarge`."""
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            size = [length * factor for length, factor in zip(ops.shape(inputs)[1:3], self.size, strict=True)]
            return tf.raw_ops.ResizeBilinear(images=inputs, size=size, align_corners=False, half_pixel_centers=False)
        return enlarge(enlarge(inputs, axis=1, factor=self.size[0]), axis=2, factor=self.size[1])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Multiply rows and columns by `size`."""
        n, rows, columns, channels = input_shape
        return n, rows and rows * self.size[0], columns and columns * self.size[1], channels

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments."""
        return {**super().get_config(), "size": self.size}


def enlarge(x: keras.KerasTensor, axis: int, factor: int) -> keras.KerasTensor:
    """Upsample one axis of (n, rows, columns, channels) with operations of any backend."""
    if factor == 1:
        return x
    shape = list(ops.shape(x))
    rest, last = (x[:, 1:], x[:, -1:]) if axis == 1 else (x[:, :, 1:], x[:, :, -1:])
    following = ops.concatenate([rest, last], axis=axis)
    phases = [x, *(x * (1 - k / factor) + following * (k / factor) for k in range(1, factor))]
    shape[axis] *= factor
    return ops.reshape(ops.stack(phases, axis=axis + 1), [-1, *shape[1:]])
