"""Networks as in the original student project: separable convolutions, a 1x1 bottleneck, concatenated skips."""

from dataclasses import dataclass

import keras
from keras import layers

from dataset.schema import CLASSES
from model.networks.layers import convolution, input_layer
from model.settings import Size


@dataclass(frozen=True)
class Separable:
    """Encoders that halve the size, decoders that double it and concatenate the encoder (or image) of that size."""

    encoders: tuple[int, ...]  # channels of each
    bottleneck: int  # channels
    decoders: tuple[int, ...]  # channels of each
    convolutions: int = 1  # separable convolutions in each decoder
    last_kernel: int = 1
    input_size: Size = 160

    def __post_init__(self) -> None:
        if len(self.decoders) != len(self.encoders):
            raise ValueError(f"{len(self.encoders)} encoders need as many decoders, got {len(self.decoders)}")

    def build(self, input_size: Size | None = None, classes: int = len(CLASSES)) -> keras.Model:
        """Return a network for frames of `input_size`, multiples of 2 ** encoders, and so many classes."""
        image = input_layer(input_size or self.input_size, halvings=len(self.encoders))
        x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
        skips = []
        for number, width in enumerate(self.encoders, 1):
            skips.append(x)
            x = _separable(x, width, strides=2, name=f"encoder{number}")
        x = convolution(x, self.bottleneck, kernel=1, name="bottleneck")
        for number, width in enumerate(self.decoders, 1):
            x = layers.UpSampling2D(2, interpolation="bilinear", name=f"up{number}")(x)
            x = layers.Concatenate(name=f"join{number}")([x, skips.pop()])
            for step in range(self.convolutions):
                x = _separable(x, width, name=f"decoder{number}_{step + 1}")
        x = layers.Conv2D(classes, self.last_kernel, padding="same", name="logits")(x)
        return keras.Model(image, layers.Softmax(dtype="float32", name="probabilities")(x))


def _separable(x: keras.KerasTensor, width: int, strides: int = 1, *, name: str) -> keras.KerasTensor:
    x = layers.SeparableConv2D(width, 3, strides, padding="same", activation="relu", name=f"{name}_conv")(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)
