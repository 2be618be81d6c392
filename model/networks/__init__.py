"""Fully convolutional networks and their named presets. Builds graphs; trains and loads nothing.

`python -m model.networks PRESET` prints the layers, shapes, parameters and multiply-accumulates of a preset.

There are four families, each in a file of its own. `Pyramid` is this project's own, `Separable` that of the original
student project; `Fcn8` and `EfficientNetLite0` have encoders for which learnt weights exist, for transfer learning.

Every network takes (n, rows, columns, 3) RGB in 0..255 and returns (n, rows, columns, classes) float32 probabilities.
"""

import re
from collections.abc import Mapping
from typing import Any

import keras

from config.reader import ConfigError, update
from dataset.schema import CLASSES
from model.networks.efficientnet import EfficientNetLite0
from model.networks.fcn8 import Fcn8
from model.networks.graph import clone_with, multiply_accumulates
from model.networks.pyramid import Pyramid
from model.networks.separable import Separable
from model.settings import Size

__all__ = [
    "PRESETS",
    "Design",
    "EfficientNetLite0",
    "Fcn8",
    "Pyramid",
    "Separable",
    "build",
    "clone_with",
    "design",
    "encoder_level",
    "multiply_accumulates",
]

Design = Pyramid | Separable | Fcn8 | EfficientNetLite0

PRESETS: dict[str, Design] = {
    "pyramid": Pyramid((24, 48, 96, 128, 160), (0, 1, 1, 1, 2), (1, 1, 1, 1)),
    "pyramid-detail": Pyramid((24, 48, 96, 128, 160), (2, 2, 1, 1, 2), (1, 1, 1, 1), detail=16),
    "pyramid-small": Pyramid((16, 32, 48, 80, 112), (1, 1, 1, 1, 1), (2, 1, 1, 1)),
    "pyramid-teacher": Pyramid((32, 96, 192, 256, 320), (1, 2, 2, 2, 2), (1, 2, 2, 2), detail=16),
    "pyramid-large": Pyramid((64, 128, 256, 384, 512), (2, 2, 2, 2, 1), (2, 2, 2, 2)),
    "fcn-1": Separable((64,), 158, (64,)),
    "fcn-2": Separable((32, 64), 64, (64, 32), last_kernel=3),
    "fcn-4": Separable((16, 64, 128, 512), 256, (128, 64, 32, 16)),
    "fcn-5": Separable((16, 32, 64, 128, 256), 256, (256, 128, 64, 32, 16), convolutions=2),
    "fcn8-vgg16": Fcn8(),
    "efficientnet-lite0": EfficientNetLite0(),
    "efficientnet-lite0-road": EfficientNetLite0(input_size=(160, 576)),
}

# Names of layers of the encoders, by which a level is found: from 0 with the decoder of a pyramid, else from 1.
_PYRAMID_ENCODER = re.compile(r"(?:down|encoder)(\d+)(?:_\d+_.*)?|stem(?:_norm)?")
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
