"""Runtimes and devices that the user can choose, and what every runtime provides. Light to import: no Keras."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Runtime = Literal["auto", "openvino", "tensorflow", "keras"]
Device = Literal["auto", "cpu", "gpu"]
Precision = Literal["fastest", "float32"]  # the fastest is found by timing, so that results differ from run to run
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
DEVICES: tuple[Device, ...] = get_args(Device)

FLIGHT_BATCH = 4  # frames that the bridge has predicted at once, at most

# (n, rows, columns, 3) uint8 RGB -> (n, rows, columns, classes) float32 probabilities.
Predict = Callable[[np.ndarray], np.ndarray]


class RuntimeUnavailable(RuntimeError):
    """A runtime does not work on this machine; the message says what to install or to choose instead."""


@dataclass(frozen=True)
class CompiledNetwork:
    """A network that is ready to run on one runtime."""

    runtime: str  # for display, e.g. "OpenVINO bfloat16"
    device: str  # for display, e.g. "Intel(R) Xeon(R) Processor, 2 threads"
    predict: Predict  # thread-safe
