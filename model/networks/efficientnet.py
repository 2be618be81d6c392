"""EfficientNet-Lite0 as the encoder of a feature pyramid: a light network whose encoder has known weights.

EfficientNet-B0 (Tan and Le 2019) without squeeze-and-excitation and with ReLU6 (EfficientNet-Lite, Liu 2020): inverted
residuals of depthwise convolutions, each with batch normalisation. Its classifier, of 1,280 features and 1,000 classes,
is left out. The decoder is that of `Pyramid`. `model.weights.encoders.efficientnet` reads weights for the encoder.
"""

from dataclasses import dataclass

import keras
from keras import layers

from dataset.schema import CLASSES
from model.networks.layers import input_layer
from model.networks.pyramid import decode, upsampled_scores
from model.settings import Size

# Blocks in a row, kernel, strides of the first, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
LEVELS = 5  # each with half the resolution of the one before it
EPSILON = 1e-3  # of batch normalisation, as the known weights were trained with


@dataclass(frozen=True)
class EfficientNetLite0:
    """EfficientNet-Lite0's features at strides 2 to 32, and the decoder of a pyramid."""

    widths: tuple[int, int, int, int] = (24, 48, 96, 128)  # channels of the decoder at strides 2 to 16
    convolutions: tuple[int, int, int, int] = (1, 1, 1, 1)  # of the decoder at these
    input_size: Size = 256

    def build(self, input_size: Size | None = None, classes: int = len(CLASSES)) -> keras.Model:
        """Return a network for frames of `input_size`, multiples of 32, and so many classes."""
        image = input_layer(input_size or self.input_size, halvings=LEVELS)
        x = layers.Rescaling(1 / 128, offset=-127 / 128, name="rescale")(image)
        x = layers.Conv2D(32, 3, 2, padding="same", use_bias=False, kernel_initializer="he_normal", name="stem")(x)
        x = _activated(x, "stem_norm", "stem_relu")
        level, number, features = 0, 0, []
        for count, kernel, strides, expansion, width in STAGES:
            for each in range(count):
                step = strides if each == 0 else 1
                if step == 2:
                    features.append(x)
                x = _inverted_residual(x, width, kernel, step, expansion, level=level, number=number)
                level, number = level + step - 1, number + 1
        x = upsampled_scores(decode([*features, x], self.widths, self.convolutions), classes)
        return keras.Model(image, layers.Softmax(dtype="float32", name="probabilities")(x))


def _inverted_residual(
    x: keras.KerasTensor, width: int, kernel: int, strides: int, expansion: int, *, level: int, number: int
) -> keras.KerasTensor:
    """Expand the channels, filter each of them, project to `width` channels, and add the shortcut where sizes allow it.

    Sandler et al. 2018, MobileNetV2. `level` is that of `x`; layers are named by their level and the block's number.
    """
    options = {"padding": "same", "use_bias": False}
    name, y = f"encoder{level}_{number}", x
    if expansion > 1:
        y = layers.Conv2D(expansion * x.shape[-1], 1, kernel_initializer="he_normal", name=f"{name}_expand", **options)(
            y
        )
        y = _activated(y, f"{name}_norm0", f"{name}_relu0")
    name = f"encoder{level + strides - 1}_{number}"
    # Keras' "he_normal" counts all channels as inputs of each: the outputs would be as small as EPSILON, and moving
    # variances, which begin at 1, far too large for a thousand steps.
    initializer = keras.initializers.RandomNormal(stddev=2**0.5 / kernel)
    y = layers.DepthwiseConv2D(kernel, strides, depthwise_initializer=initializer, name=f"{name}_depthwise", **options)(
        y
    )
    y = _activated(y, f"{name}_norm1", f"{name}_relu1")
    y = layers.Conv2D(width, 1, name=f"{name}_project", **options)(y)
    y = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_norm2")(y)
    return layers.Add(name=f"{name}_add")([x, y]) if y.shape == x.shape else y


def _activated(x: keras.KerasTensor, norm: str, activation: str) -> keras.KerasTensor:
    x = layers.BatchNormalization(epsilon=EPSILON, name=norm)(x)
    return layers.ReLU(max_value=6.0, name=activation)(x)
