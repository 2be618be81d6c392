"""Fully convolutional networks and their named presets. Builds graphs; trains and loads nothing.

`python -m model.networks PRESET` prints the layers, shapes, parameters and multiply-accumulates of a preset.

There are three families. `Pyramid` is this project's own: dense 3x3 convolutions, residual blocks, additive skips (He
et al. 2016; Lin et al. 2017, Feature Pyramid Networks), first and last layer at full resolution, because a target of 20
pixels does not survive a mask at stride 4. `Separable` is that of the original student project: separable
convolutions, a 1x1 bottleneck, bilinear upsampling with concatenated skips. `Fcn8` is VGG16 with skips, for transfer
learning.

Every network takes (n, rows, columns, 3) RGB in 0..255 and returns (n, rows, columns, classes) float32 probabilities.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import keras
from keras import layers

from config.reader import ConfigError, update
from dataset.schema import CLASSES
from model.console import command_parser
from model.fcn8 import Fcn8
from model.settings import Size, shape_of


@dataclass(frozen=True)
class Pyramid:
    """Feature pyramid whose level k has stride 2 ** (k + 1)."""

    widths: tuple[int, ...]  # channels of each level
    blocks: tuple[int, ...]  # residual blocks of the encoder at each level
    convolutions: tuple[int, ...]  # of the decoder at each level but the coarsest
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
        image = _input(input_size or self.input_size, halvings=len(self.widths))
        x = _convolution(_normalise(image), self.widths[0], kernel=4, strides=2, name="stem")
        skips = []
        for level, (width, blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            if level:
                x = _convolution(x, width, strides=2, name=f"down{level}")
            for block in range(blocks):
                x = _residual(x, width, name=f"encoder{level}_{block}")
            skips.append(x)
        for level in reversed(range(len(self.widths) - 1)):
            width = self.widths[level]
            x = _convolution(x, width, kernel=1, name=f"reduce{level}")
            x = layers.UpSampling2D(2, name=f"up{level}")(x)
            lateral = _convolution(skips[level], width, kernel=1, activation=None, name=f"lateral{level}")
            x = layers.Add(name=f"merge{level}")([x, lateral])
            for convolution in range(self.convolutions[level]):
                x = _convolution(x, width, name=f"decoder{level}_{convolution}")
        x = layers.Conv2DTranspose(classes, 4, strides=2, padding="same", name="logits")(x)
        return keras.Model(image, layers.Softmax(dtype="float32", name="probabilities")(x))


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
        image = _input(input_size or self.input_size, halvings=len(self.encoders))
        x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
        skips = []
        for number, width in enumerate(self.encoders, 1):
            skips.append(x)
            x = _separable(x, width, strides=2, name=f"encoder{number}")
        x = _convolution(x, self.bottleneck, kernel=1, name="bottleneck")
        for number, width in enumerate(self.decoders, 1):
            x = layers.UpSampling2D(2, interpolation="bilinear", name=f"up{number}")(x)
            x = layers.Concatenate(name=f"join{number}")([x, skips.pop()])
            for convolution in range(self.convolutions):
                x = _separable(x, width, name=f"decoder{number}_{convolution + 1}")
        x = layers.Conv2D(classes, self.last_kernel, padding="same", name="logits")(x)
        return keras.Model(image, layers.Softmax(dtype="float32", name="probabilities")(x))


Design = Pyramid | Separable | Fcn8

PRESETS: dict[str, Design] = {
    "pyramid": Pyramid((24, 48, 96, 128, 160), (0, 1, 1, 1, 2), (1, 1, 1, 1)),
    "pyramid-small": Pyramid((16, 32, 48, 80, 112), (1, 1, 1, 1, 1), (2, 1, 1, 1)),
    "pyramid-large": Pyramid((64, 128, 256, 384, 512), (2, 2, 2, 2, 1), (2, 2, 2, 2)),
    "fcn-1": Separable((64,), 158, (64,)),
    "fcn-2": Separable((32, 64), 64, (64, 32), last_kernel=3),
    "fcn-4": Separable((16, 64, 128, 512), 256, (128, 64, 32, 16)),
    "fcn-5": Separable((16, 32, 64, 128, 256), 256, (256, 128, 64, 32, 16), convolutions=2),
    "fcn8-vgg16": Fcn8(),
}

# Names of layers of the encoders, by which a level is found: of pyramids from 0, of the others from 1.
_PYRAMID_ENCODER = re.compile(r"(?:down|encoder)(\d+)(?:_\d+_.*)?|stem")
_OTHER_ENCODER = re.compile(r"(?:encoder|block)(\d+)_(?:conv|norm)\d*")


def design(preset: str, changes: Mapping[str, Any] | None = None) -> Design:
    """Return a preset by its name, with other values for some of its fields, such as `{"encoders": [16, 32]}`.

    Raises ConfigError for a preset or a field that does not exist, and for values that do not fit.
    """
    if preset not in PRESETS:
        raise ConfigError(f"expected one of the presets {', '.join(PRESETS)}, got {preset!r}")
    try:
        return update(PRESETS[preset], changes or {})
    except ConfigError as error:
        raise ConfigError(f"network of preset {preset}: {error}") from error


def build(
    preset: str,
    input_size: Size | None = None,
    changes: Mapping[str, Any] | None = None,
    classes: int = len(CLASSES),
) -> keras.Model:
    """Return a network with fresh weights of the `design`. Raises ConfigError as that does."""
    return design(preset, changes).build(input_size, classes)


def encoder_level(layer: str) -> int | None:
    """Return the level of the encoder that a layer belongs to by its name, 1 for the finest; None for other layers."""
    if found := _OTHER_ENCODER.fullmatch(layer):
        return int(found[1])
    found = _PYRAMID_ENCODER.fullmatch(layer)
    return found and 1 + int(found[1] or 0)


def multiply_accumulates(network: keras.Model) -> int:
    """Return the multiply-accumulates of all convolutions for one frame."""
    total = 0
    for layer in network.layers:
        if kernels := [weight for weight in layer.weights if len(weight.shape) == 4]:
            grid = layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output
            total += sum(prod(kernel.shape) for kernel in kernels) * prod(grid.shape[1:3])
    return total


def clone_with(network: keras.Model, *, dtype: str, shape: tuple[int | None, ...]) -> keras.Model:
    """Return a copy with the same weights for another input shape and dtype policy; probabilities stay float32."""

    def clone(layer: keras.Layer) -> keras.Layer:
        policy = "float32" if layer is network.layers[-1] else dtype
        return layer.__class__.from_config(layer.get_config() | {"dtype": policy})

    copy = keras.models.clone_model(network, keras.Input(shape, name="image"), clone_function=clone)
    copy.set_weights(network.get_weights())
    return copy


def _input(size: Size, halvings: int) -> keras.KerasTensor:
    if any(each % 2**halvings for each in shape_of(size)):
        raise ValueError(f"expected an input size that is a multiple of {2**halvings}, got {size}")
    return keras.Input((*shape_of(size), 3), name="image")


def _normalise(image: keras.KerasTensor) -> keras.KerasTensor:
    """Return six channels in -1..1: RGB scaled linearly, and again with the contrast of dark colours amplified.

    A distant target in the shade differs from other people by a few units of 255, which is little on a linear scale.
    """
    linear = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
    amplified = layers.Activation("tanh", name="dark")(layers.Rescaling(1 / 40, name="rescale_dark")(image))
    return layers.Concatenate(name="light")([linear, amplified])


def _convolution(
    x: keras.KerasTensor, width: int, kernel: int = 3, activation: str | None = "relu", **options: Any
) -> keras.KerasTensor:
    options = {"padding": "same", "activation": activation, "kernel_initializer": "he_normal"} | options
    return layers.Conv2D(width, kernel, **options)(x)


def _residual(x: keras.KerasTensor, width: int, *, name: str) -> keras.KerasTensor:
    """Add two 3x3 convolutions to a shortcut (He et al. 2016).

    There is no normalisation, which would halve the speed on a CPU. Instead the last kernel starts at zero (Zhang et
    al. 2019, Fixup), which keeps deep networks trainable.
    """
    y = _convolution(x, width, name=f"{name}_a")
    y = _convolution(y, width, activation=None, kernel_initializer="zeros", name=f"{name}_b")
    return layers.Activation("relu", name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def _separable(x: keras.KerasTensor, width: int, strides: int = 1, *, name: str) -> keras.KerasTensor:
    x = layers.SeparableConv2D(width, 3, strides, padding="same", activation="relu", name=f"{name}_conv")(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the layers, shapes and cost of a preset."""
    parser = command_parser("networks", "Print the layers and the cost of a network.")
    parser.add_argument("preset", choices=PRESETS)
    text = "pixels, of a square or as ROWSxCOLUMNS; default: the preset's own"
    parser.add_argument("--input-size", type=_parse_size, metavar="SIZE", help=text)
    parser.add_argument("--classes", type=int, default=len(CLASSES), metavar="N", help="default: %(default)s")
    options = parser.parse_args(arguments)
    network = build(options.preset, options.input_size, classes=options.classes)
    network.summary(line_length=120)  # wide enough to show every shape in full
    print(f"{multiply_accumulates(network) / 1e9:.3f} GMAC per frame, {network.count_params() / 1e6:.2f} M parameters")


def _parse_size(text: str) -> Size:
    rows, _, columns = text.partition("x")
    return (int(rows), int(columns)) if columns else int(rows)


if __name__ == "__main__":
    main()
