"""Read arguments from the configuration of a 2017 layer, in the spelling of any version of Keras."""

import math
from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]


class LegacyError(ValueError):
    """A legacy model cannot be rebuilt; the message names the part of it that is the reason."""


# Names of arguments in Keras 1 -> in Keras 2.
_RENAMED = {
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "bias": "use_bias",
    "dim_ordering": "data_format",
    "atrous_rate": "dilation_rate",
    "output_dim": "units",
    "concat_axis": "axis",
}
_DATA_FORMATS = {"tf": "channels_last", "th": "channels_first", None: "channels_last", "default": "channels_last"}


def modern_arguments(config: Config) -> dict[str, Any]:
    """Return a layer's configuration with the argument names of Keras 2."""
    arguments = {_RENAMED.get(key, key): value for key, value in config.items()}
    if "nb_row" in arguments and "nb_col" in arguments:
        arguments["kernel_size"] = (arguments["nb_row"], arguments["nb_col"])
    data_format = arguments.get("data_format")
    arguments["data_format"] = _DATA_FORMATS.get(data_format, data_format)
    return arguments


def read_pair(value: Any, name: str, least: int = 1) -> tuple[int, int]:
    """Return (rows, columns) from one or two integers of at least `least`. Raises LegacyError."""
    pair = [value, value] if isinstance(value, int) else value
    if not _is_integer_pair(pair, least):
        raise LegacyError(f"{name} must be one or two integers of at least {least}, not {value!r}")
    return pair[0], pair[1]


def _is_integer_pair(value: Any, least: int) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(v, int) and not isinstance(v, bool) and v >= least for v in value)
    )


def read_number(value: Any, name: str) -> float:
    """Return a number; Keras 2 also wrote NumPy scalars and arrays of one element. Raises LegacyError."""
    while isinstance(value, Mapping) and "value" in value:
        value = value["value"]
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LegacyError(f"{name} must be a number, not {value!r}")
    return float(value)


def read_padding(config: Config) -> str:
    """Return `valid` or `same`. Raises LegacyError."""
    padding = str(config.get("padding", "valid")).lower()
    if padding not in ("valid", "same"):
        raise LegacyError(f"padding {padding!r} is not supported; supported are valid and same")
    return padding


def read_borders(value: Any, name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return ((top, bottom), (left, right)) from any spelling of Keras 1 and 2. Raises LegacyError."""
    if isinstance(value, Mapping):
        value = [
            [value.get("top_pad", 0), value.get("bottom_pad", 0)],
            [value.get("left_pad", 0), value.get("right_pad", 0)],
        ]
    if isinstance(value, int):
        value = [value, value]
    if isinstance(value, list | tuple) and len(value) == 4:
        value = [value[:2], value[2:]]
    if isinstance(value, list | tuple) and len(value) == 2:
        sides = [[side, side] if isinstance(side, int) else side for side in value]
        if all(_is_integer_pair(side, 0) for side in sides):
            return (sides[0][0], sides[0][1]), (sides[1][0], sides[1][1])
    raise LegacyError(f"{name} must be ((top, bottom), (left, right)), not {value!r}")
