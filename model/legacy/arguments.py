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
_DATA_FORMATS = {"tf": "channels_last", "th": "channels_first", "default": "channels_last"}


def modern_arguments(config: Config) -> dict[str, Any]:
    """Return the arguments that are given, with the names of Keras 2. Raises LegacyError for channels_first."""
    arguments = {_RENAMED.get(key, key): value for key, value in config.items() if value is not None}
    if "nb_row" in arguments and "nb_col" in arguments:
        arguments["kernel_size"] = (arguments["nb_row"], arguments["nb_col"])
    data_format = arguments.get("data_format", "default")
    data_format = _DATA_FORMATS.get(data_format, data_format)
    if data_format != "channels_last":
        raise LegacyError(f"data_format is {data_format!r}; only channels_last is supported")
    return arguments


# The readers below take a value and its argument's name, and raise LegacyError.


def read_pair(value: Any, name: str, least: int = 1) -> tuple[int, int]:
    """Return (rows, columns) from one or two integers of at least `least`."""
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
    """Return a number; Keras 2 also wrote NumPy scalars and arrays of one element."""
    while isinstance(value, Mapping) and "value" in value:
        value = value["value"]
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LegacyError(f"{name} must be a number, not {value!r}")
    return float(value)


def read_choice(value: Any, name: str, choices: tuple[str, str]) -> str:
    """Return one of two words."""
    if str(value).lower() not in choices:
        raise LegacyError(f"{name} {value!r} is not supported; supported are {' and '.join(choices)}")
    return str(value).lower()


def read_borders(value: Any, name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return ((top, bottom), (left, right)) from any spelling of Keras 1 and 2."""
    if isinstance(value, Mapping):
        value = [value.get(f"{side}_pad", 0) for side in ("top", "bottom", "left", "right")]
    if isinstance(value, int):
        value = [value, value]
    if isinstance(value, list | tuple) and len(value) == 4:
        value = [value[:2], value[2:]]
    if isinstance(value, list | tuple) and len(value) == 2:
        sides = [[side, side] if isinstance(side, int) else side for side in value]
        if all(_is_integer_pair(side, 0) for side in sides):
            return (sides[0][0], sides[0][1]), (sides[1][0], sides[1][1])
    raise LegacyError(f"{name} must be ((top, bottom), (left, right)), not {value!r}")
