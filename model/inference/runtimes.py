"""Compile a network for the fastest runtime of this machine, or for a given one.

Each runtime has a module of its own, imported only when it is used.
"""

import logging
from collections.abc import Sequence

import keras

from model.inference.choices import DEVICES, RUNTIMES, Device, Runtime
from model.inference.compiled_network import CompiledNetwork, RuntimeUnavailable

logger = logging.getLogger(__name__)


def compile_network(
    network: keras.Model, runtime: Runtime = "auto", device: Device = "auto", threads: int | None = None
) -> CompiledNetwork:
    """Compile a network.

    `auto` chooses TensorFlow if there is a GPU, else OpenVINO, else TensorFlow; Keras on its other backends.

    Args:
        network: takes (n, rows, columns, 3) float32 RGB in 0..255.
        runtime: one of RUNTIMES.
        device: one of DEVICES.
        threads: CPU threads of OpenVINO; None for all cores.

    Raises RuntimeUnavailable when the given runtime or device is missing here, ValueError for an unknown name.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"expected a runtime of {', '.join(RUNTIMES)}, got {runtime!r}")
    if device not in DEVICES:
        raise ValueError(f"expected a device of {', '.join(DEVICES)}, got {device!r}")
    if runtime != "auto":
        return _compile_with(runtime, network, device, threads)
    reasons = []
    for candidate in _candidates(device):
        try:
            return _compile_with(candidate, network, device, threads)
        except RuntimeUnavailable as error:
            logger.info("not %s: %s", candidate, error)
            reasons.append(str(error))
    raise RuntimeUnavailable("; ".join(reasons))


def _compile_with(runtime: Runtime, network: keras.Model, device: Device, threads: int | None) -> CompiledNetwork:
    if runtime == "openvino":
        from model.inference.openvino_runtime import compile_for_openvino

        return compile_for_openvino(network, device, threads)
    if runtime == "tensorflow":
        from model.inference.tensorflow_runtime import compile_for_tensorflow

        return compile_for_tensorflow(network, device)
    from model.inference.keras_runtime import compile_for_keras

    return compile_for_keras(network, device)


def _candidates(device: Device) -> Sequence[Runtime]:
    """Return the runtimes that `auto` tries, in this order."""
    if keras.backend.backend() != "tensorflow":
        return ("keras",)
    from model.inference.tensorflow_runtime import find_gpus

    if device == "gpu" or (device == "auto" and find_gpus()):
        return ("tensorflow",)
    return ("openvino", "tensorflow")
