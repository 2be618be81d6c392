"""Optimizers, learning-rate schedules, and the numerical precision that suits the hardware.

Muon (Jordan et al. 2024) orthogonalises the step of a kernel, so that it has the same length in all directions. Keras
has it for dense layers; here a convolution kernel (rows, columns, in, out) is a matrix (rows * columns * in, out).
"""

from collections.abc import Sequence
from math import cos, pi
from pathlib import Path
from typing import Any

import keras
from keras import ops

from dataset.schema import CLASSES
from model.settings import TrainSettings

MAX_EDGE_CHANNELS = 2 * len(CLASSES)  # of kernels at the network's ends: red, green and blue twice, or the classes
MIN_RATE = 0.002  # of the peak, at the end of a schedule


def make_optimizer(
    settings: TrainSettings, precision: str, encoder: Sequence[keras.Variable] = ()
) -> keras.optimizers.Optimizer:
    """Return the optimizer for a network of the dtype policy `precision`.

    With an `encoder_learning_rate` below 1, the variables `encoder` learn more slowly and are not decayed.
    """
    kind = {"muon": Muon, "adamw": keras.optimizers.AdamW, "adam": keras.optimizers.Adam}[settings.optimizer]
    options = {} if settings.optimizer == "adam" else {"weight_decay": settings.weight_decay}
    slow = encoder if settings.encoder_learning_rate < 1 else ()
    if slow:
        kind = type(kind.__name__, (_TwoRates, kind), {"slow": slow, "factor": settings.encoder_learning_rate})
    optimizer = kind(settings.learning_rate, clipnorm=settings.clip_norm or None, **options)
    if options:
        optimizer.exclude_from_weight_decay(var_list=list(slow), var_names=["bias", "gamma", "beta"])
    return keras.optimizers.LossScaleOptimizer(optimizer) if precision == "mixed_float16" else optimizer


def learning_rate(settings: TrainSettings, progress: float) -> float:
    """Return the learning rate at `progress`, 0 to 1.

    "trapezoid": linear warm-up, constant, linear to zero (Zhai et al. 2022, Scaling Vision Transformers). "cosine":
    linear warm-up, a cosine to zero (Loshchilov and Hutter 2017). "constant": with one change half-way.
    """
    if settings.schedule == "constant":
        return (settings.second_half_learning_rate if progress >= 0.5 else 0.0) or settings.learning_rate
    if progress < settings.warm_up:
        factor = (progress + 0.1 * settings.warm_up) / (1.1 * settings.warm_up)
    elif settings.schedule == "cosine":
        factor = 0.5 + 0.5 * cos(pi * (progress - settings.warm_up) / (1 - settings.warm_up))
    else:
        factor = min(1.0, (1 - progress) / max(settings.cool_down, 1e-9))
    return settings.learning_rate * max(factor, MIN_RATE)


class _TwoRates(keras.optimizers.Optimizer):
    """Makes an optimizer, the next base class, change some variables more slowly."""

    slow: Sequence[keras.Variable]
    factor: float  # of the learning rate, for these

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Set up for all variables, the slow ones among them."""
        super().build(variables)
        self._slow_indices = {self._get_variable_index(variable) for variable in self.slow}

    def update_step(
        self, gradient: keras.KerasTensor, variable: keras.Variable, learning_rate: keras.KerasTensor
    ) -> None:
        """Change one variable."""
        if self._get_variable_index(variable) in self._slow_indices:
            learning_rate = learning_rate * self.factor
        super().update_step(gradient, variable, learning_rate)


class Muon(keras.optimizers.Muon):
    """Muon for the kernels between hidden layers, AdamW for the rest, as its authors advise.

    The rest are biases, kernels at the network's ends, and depthwise kernels, which are not matrices.
    """

    def __init__(self, *arguments: Any, adam_lr_ratio: float = 0.5, **options: Any) -> None:
        super().__init__(*arguments, adam_lr_ratio=adam_lr_ratio, **options)

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        return len(variable.shape) != 4 or min(variable.shape[-2:]) <= MAX_EDGE_CHANNELS

    def zeropower_via_newtonschulz5(self, x: keras.KerasTensor, steps: int) -> keras.KerasTensor:
        """Return the nearest matrix with equal singular values, in the shape of the kernel.

        With G = X'X, the iteration X <- X (a + b G + c GG) needs X only at its ends. In between it runs on G, which is
        much smaller.
        """
        matrix = _as_matrix(x)
        wide = matrix.shape[0] < matrix.shape[1]
        gram = matrix @ ops.transpose(matrix) if wide else ops.transpose(matrix) @ matrix
        square = ops.trace(gram) + 1e-14
        gram, one = gram / square, ops.eye(gram.shape[0])
        product = one
        for _ in range(steps):
            factor = self.muon_a * one + self.muon_b * gram + self.muon_c * (gram @ gram)
            gram = factor @ gram @ factor
            product = product @ factor
        step = (product @ matrix if wide else matrix @ product) / ops.sqrt(square)
        return ops.reshape(step, x.shape)

    def lr_adjust(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Scale a step to the length of AdamW's, in the shape of the kernel."""
        return ops.reshape(super().lr_adjust(_as_matrix(x)), x.shape)


def _as_matrix(kernel: keras.KerasTensor) -> keras.KerasTensor:
    return ops.reshape(kernel, (-1, kernel.shape[-1]))


def choose_precision(setting: str, network: keras.Model) -> str:
    """Return the dtype policy for the setting `mixed_precision`; "auto" is bfloat16 if the hardware is fast at it."""
    if setting != "auto":
        return setting
    if has_gpu():
        return "mixed_bfloat16"
    # A CPU has no bfloat16 kernel for depthwise convolutions: a step takes a third longer than in float32.
    depthwise = any(
        isinstance(layer, keras.layers.SeparableConv2D | keras.layers.DepthwiseConv2D) for layer in network.layers
    )
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
