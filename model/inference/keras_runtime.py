"""Run a network with Keras itself, on any of its backends and on the device that the backend prefers."""

import keras
import numpy as np

from model.inference.choices import Device
from model.inference.compiled_network import CompiledNetwork, RuntimeUnavailable


def compile_for_keras(network: keras.Model, device: Device) -> CompiledNetwork:
    """Return the network as it is. Raises RuntimeUnavailable when a device is given."""
    backend = keras.backend.backend()
    if device != "auto":
        raise RuntimeUnavailable(f"the keras runtime cannot choose a device, {backend} does: leave the device on auto")

    def predict(frames: np.ndarray) -> np.ndarray:
        return np.asarray(network.predict_on_batch(frames.astype(np.float32)))

    return CompiledNetwork(f"Keras on {backend}", f"the device that {backend} prefers", predict)
