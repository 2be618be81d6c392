"""Choose the numerical precision of a training by the hardware."""

from pathlib import Path

import keras


def choose_precision(setting: str, network: keras.Model) -> str:
    """Return the dtype policy for the setting `mixed_precision`; "auto" is bfloat16 if the hardware is fast at it."""
    if setting != "auto":
        return setting
    if has_gpu():
        return "mixed_bfloat16"
    # A CPU has no bfloat16 kernel for depthwise convolutions: a step takes a third longer than in float32.
    depthwise = any(isinstance(layer, keras.layers.SeparableConv2D) for layer in network.layers)
    cpu = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fast = "amx_bf16" in cpu or "avx512_bf16" in cpu
    return "mixed_bfloat16" if fast and not depthwise else "float32"


def has_gpu() -> bool:
    """Return whether Keras' backend can use a GPU."""
    match keras.backend.backend():
        case "jax":
            import jax

            return bool(jax.default_backend() != "cpu")
        case "torch":
            import torch

            return bool(torch.cuda.is_available())
        case _:
            import tensorflow as tf

            return bool(tf.config.list_physical_devices("GPU"))
