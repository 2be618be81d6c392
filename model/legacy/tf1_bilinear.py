"""Bilinear upsampling as TensorFlow 1 did it: models of 2017 need exactly this, new models should use UpSampling2D."""

import keras
from keras import layers, ops


class BilinearUpSampling2D(layers.Layer):
    """Enlarges images by whole factors as TensorFlow 1's `resize_bilinear` does.

    Output pixel i samples the input at i / factor (no half-pixel centres, corners not aligned), the last row and column
    are repeated. Input (n, rows, cols, channels), output (n, rows * size[0], cols * size[1], channels).
    """

    def __init__(self, size: tuple[int, int] = (2, 2), **kwargs):
        super().__init__(**kwargs)
        self.size = tuple(size)

    def call(self, inputs):
        """TensorFlow still has the very operation, which is 2 to 4 times faster than composing it from others."""
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            size = [length * factor for length, factor in zip(ops.shape(inputs)[1:3], self.size, strict=True)]
            return tf.raw_ops.ResizeBilinear(images=inputs, size=size, align_corners=False, half_pixel_centers=False)
        return enlarge(enlarge(inputs, axis=1, factor=self.size[0]), axis=2, factor=self.size[1])

    def compute_output_shape(self, input_shape):
        """Rows and columns multiplied by `size`."""
        n, rows, cols, channels = input_shape
        return (n, rows and rows * self.size[0], cols and cols * self.size[1], channels)

    def get_config(self) -> dict:
        """The layer's arguments."""
        return {**super().get_config(), "size": self.size}


def enlarge(x, axis: int, factor: int):
    """The same for one axis of (n, rows, cols, channels), made of operations that every backend has."""
    if factor == 1:
        return x
    shape = list(ops.shape(x))
    rest, last = (x[:, 1:], x[:, -1:]) if axis == 1 else (x[:, :, 1:], x[:, :, -1:])
    following = ops.concatenate([rest, last], axis=axis)
    phases = [x, *(x * (1 - k / factor) + following * (k / factor) for k in range(1, factor))]
    shape[axis] *= factor
    return ops.reshape(ops.stack(phases, axis=axis + 1), [-1, *shape[1:]])
