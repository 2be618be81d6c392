"""Run a network as a TensorFlow graph, on the first GPU if there is one."""

import os
import platform
from contextlib import suppress
from typing import Any

import keras
import numpy as np

from model.inference.choices import FLIGHT_BATCH, CompiledNetwork, Device, RuntimeUnavailable


def compile_for_tensorflow(network: keras.Model, device: Device) -> CompiledNetwork:
    """Compile a network; it takes batches of any size. Raises RuntimeUnavailable."""
    require_tensorflow_backend("the tensorflow runtime")
    import tensorflow as tf

    gpus = [] if device == "cpu" else find_gpus()
    if device == "gpu" and not gpus:
        raise RuntimeUnavailable("TensorFlow sees no GPU: install tensorflow[and-cuda] and a driver, or choose the CPU")

    @tf.function(input_signature=[tf.TensorSpec((None, *network.input_shape[1:]), tf.uint8)])
    def graph(frames: tf.Tensor) -> tf.Tensor:
        return network(tf.cast(frames, tf.float32), training=False)

    placement = "/GPU:0" if gpus else "/CPU:0"

    def predict(frames: np.ndarray) -> np.ndarray:
        with tf.device(placement):
            probabilities: np.ndarray = graph(tf.constant(frames)).numpy()
        return probabilities

    if gpus:
        for count in range(1, FLIGHT_BATCH + 1):  # so that no kernel is chosen or compiled in flight
            predict(np.zeros((count, *network.input_shape[1:]), np.uint8))
        name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    else:
        name = f"{platform.processor() or platform.machine()} CPU, {os.cpu_count()} cores"
    return CompiledNetwork("TensorFlow", name, predict)


def find_gpus() -> list[Any]:
    """Return TensorFlow's handles of the GPUs that it can use."""
    import tensorflow as tf

    return list(tf.config.get_visible_devices("GPU"))


def hide_gpus() -> None:
    """Keep TensorFlow off the GPUs, whose memory it takes otherwise with its first operation; later it is too late."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with suppress(RuntimeError):  # too late
            tf.config.set_visible_devices([], "GPU")


def require_tensorflow_backend(runtime: str) -> None:
    """Raise RuntimeUnavailable unless Keras runs on TensorFlow, which `runtime` (a name for display) needs."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise RuntimeUnavailable(
            f"{runtime} needs Keras on TensorFlow, but Keras runs on {backend} here; "
            "unset KERAS_BACKEND or choose the keras runtime"
        )


def trace(network: keras.Model) -> Any:
    """Return the network as one TensorFlow function of (n, rows, columns, 3) float32 frames."""
    import tensorflow as tf

    signature = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)
    return tf.function(lambda frames: network(frames, training=False)).get_concrete_function(signature)
