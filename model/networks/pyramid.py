"""This project's own networks: dense 3x3 convolutions, residual blocks, additive skips.

After He et al. (2016) and Lin et al. (2017, Feature Pyramid Networks). First and last layer work at full resolution,
because a target of 20 pixels does not survive a mask at stride 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
from keras import layers

from dataset.schema import CLASSES
from model.networks.layers import convolution, input_layer
from model.settings import Size


@dataclass(frozen=True)
class Pyramid:
    """Feature pyramid whose level k has stride 2 ** (k + 1)."""

    widths: tuple[int, ...]  # channels of each level
    blocks: tuple[int, ...]  # residual blocks of the encoder at each level
    convolutions: tuple[int, ...]  # of the decoder at each level but the coarsest
    detail: int = 0  # channels of a path at the image's own resolution; 0: no such path
    input_size: Size = 256

    def __post_init__(self) -> None:
        levels = len(self.widths)
        if (len(self.blocks), len(self.convolutions)) != (levels, levels - 1):
            raise ValueError(
                f"{levels} widths need {levels} blocks and {levels - 1} convolutions,"
                f" got {len(self.blocks)} and {len(self.convolutions)}"
            )

    def build(self, input_size: Size | None = None, classes: int = len(CLASSES)) -> keras.Model:
        """Return a network for frames of `input_size`, multiples of 2 ** levels, and so many classes."""
        image = input_layer(input_size or self.input_size, halvings=len(self.widths))
        light = _normalise(image)
        x = convolution(light, self.widths[0], kernel=4, strides=2, name="stem")
        skips = []
        for level, (width, blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            if level:
                x = convolution(x, width, strides=2, name=f"down{level}")
            for block in range(blocks):
                x = _residual(x, width, name=f"encoder{level}_{block}")
            skips.append(x)
        x = decode(skips, self.widths, self.convolutions)
        scores = upsampled_scores(x, classes)
        if self.detail:
            scores = _add_detail(scores, x, light, self.detail)
        return keras.Model(image, layers.Softmax(dtype="float32", name="probabilities")(scores))


def decode(
    features: Sequence[keras.KerasTensor], widths: Sequence[int], convolutions: Sequence[int]
) -> keras.KerasTensor:
    """Return features with stride 2, of features with stride 2 ** (level + 1), finest first.

    `widths` are the channels of each level and `convolutions` those at it, for all levels but the coarsest.
    """
    x = features[-1]
    for level in reversed(range(len(features) - 1)):
        width = widths[level]
        x = convolution(x, width, kernel=1, name=f"reduce{level}")
        x = layers.UpSampling2D(2, name=f"up{level}")(x)
        lateral = convolution(features[level], width, kernel=1, activation=None, name=f"lateral{level}")
        x = layers.Add(name=f"merge{level}")([x, lateral])
        for number in range(convolutions[level]):
            x = convolution(x, width, name=f"decoder{level}_{number}")
    return x


def upsampled_scores(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """Return scores of the classes at twice the resolution of the features `x`."""
    return layers.Conv2DTranspose(classes, 4, strides=2, padding="same", name="logits")(x)


def _add_detail(
    scores: keras.KerasTensor, x: keras.KerasTensor, light: keras.KerasTensor, width: int
) -> keras.KerasTensor:
    """Correct scores by features of the image at its own resolution, joined with the finest ones of the decoder, `x`.

    The last kernel starts at zero: a network without this path that gets it predicts what it did before.
    """
    coarse = layers.UpSampling2D(2, name="detail_up")(convolution(x, width, kernel=1, name="detail_reduce"))
    fine = layers.Add(name="detail_merge")([coarse, convolution(light, width, name="detail_image")])
    fine = convolution(fine, width, name="detail_decoder")
    correction = convolution(fine, scores.shape[-1], activation=None, kernel_initializer="zeros", name="detail_logits")
    return layers.Add(name="detail_add")([scores, correction])


def _normalise(image: keras.KerasTensor) -> keras.KerasTensor:
    """Return six channels in -1..1: RGB scaled linearly, and again with the contrast of dark colours amplified.

    A distant target in the shade differs from other people by a few units of 255, which is little on a linear scale.
    """
    linear = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
    amplified = layers.Activation("tanh", name="dark")(layers.Rescaling(1 / 40, name="rescale_dark")(image))
    return layers.Concatenate(name="light")([linear, amplified])


def _residual(x: keras.KerasTensor, width: int, *, name: str) -> keras.KerasTensor:
    """Add two 3x3 convolutions to a shortcut (He et al. 2016).

    There is no normalisation, which would halve the speed on a CPU. Instead the last kernel starts at zero (Zhang et
    al. 2019, Fixup), which keeps deep networks trainable.
    """
    y = convolution(x, width, name=f"{name}_a")
    y = convolution(y, width, activation=None, kernel_initializer="zeros", name=f"{name}_b")
    return layers.Activation("relu", name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
