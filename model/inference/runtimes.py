"""Compile a network for the fastest runtime of this machine, or for a given one."""

import logging
from collections.abc import Sequence

import keras
import numpy as np

from dataset.schema import HERO
from model.inference import tensorflow_runtime
from model.inference.choices import CompiledNetwork, Device, Precision, Runtime, RuntimeUnavailable
from model.inference.runtime_failures import cause, failures

logger = logging.getLogger(__name__)


def compile_network(
    network: keras.Model,
    runtime: Runtime = "auto",
    device: Device = "auto",
    threads: int | None = None,
    precision: Precision = "fastest",
    target: int | None = HERO,
) -> CompiledNetwork:
    """Compile a network that takes (n, rows, columns, 3) float32 RGB in 0..255.

    `auto` chooses TensorFlow if it has a GPU that works, else OpenVINO, else TensorFlow; Keras on its other backends.
    `threads` are OpenVINO's on the CPU; None for all cores. With the `precision` "fastest" it may use bfloat16.
    `target` is the class whose mask must be the network's own, None for all together. Raises RuntimeUnavailable.
    """
    reasons = []
    for candidate in _candidates(device) if runtime == "auto" else [runtime]:
        try:
            if candidate == "openvino":
                from model.inference.openvino_runtime import compile_for_openvino

                return compile_for_openvino(network, device, threads, precision, target)
            if candidate == "tensorflow":
                return tensorflow_runtime.compile_for_tensorflow(network, device)
            return _compile_for_keras(network, device)
        except RuntimeUnavailable as error:
            reason = str(error)
        except failures() as error:
            reason = f"the {candidate} runtime fails here ({cause(error)}): choose another runtime or device"
        logger.info("not %s: %s", candidate, reason)
        reasons.append(reason)
    raise RuntimeUnavailable("; ".join(reasons))


def _candidates(device: Device) -> Sequence[Runtime]:
    """Return the runtimes that `auto` tries, in this order."""
    if keras.backend.backend() != "tensorflow":
        return ("keras",)
    if device == "gpu":
        return ("tensorflow", "openvino")
    if device == "auto" and tensorflow_runtime.find_gpus():
        return ("tensorflow", "openvino")
    return ("openvino", "tensorflow")


def _compile_for_keras(network: keras.Model, device: Device) -> CompiledNetwork:
    """Return the network as it is, on any backend of Keras and on the device that the backend prefers."""
    backend = keras.backend.backend()
    if device != "auto":
        raise RuntimeUnavailable(f"the keras runtime cannot choose a device, {backend} does: leave the device on auto")

    def predict(frames: np.ndarray) -> np.ndarray:
        return np.asarray(network.predict_on_batch(frames.astype(np.float32)))

    return CompiledNetwork(f"Keras on {backend}", f"the device that {backend} prefers", predict)
