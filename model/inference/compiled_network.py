"""The interface of all runtimes: a network that is compiled and ready to run."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]


class RuntimeUnavailable(RuntimeError):
    """A runtime does not work on this machine; the message says what to install or to choose instead."""


@dataclass(frozen=True)
class CompiledNetwork:
    """A network on one runtime.

    Attributes:
        runtime: for display, e.g. "OpenVINO bfloat16".
        device: for display, e.g. "Intel(R) Xeon(R) Processor, 2 threads".
        predict: (n, rows, columns, 3) uint8 RGB -> (n, rows, columns, 3) float32 probabilities. Thread-safe.
    """

    runtime: str
    device: str
    predict: Predict


def require_tensorflow_backend(runtime: str) -> None:
    """Raise RuntimeUnavailable unless Keras runs on TensorFlow, which `runtime` (a name for display) needs."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise RuntimeUnavailable(
            f"{runtime} needs Keras on TensorFlow, but Keras runs on {backend} here; "
            "unset KERAS_BACKEND or choose the keras runtime"
        )
