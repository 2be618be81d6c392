"""The Muon optimiser (Jordan et al. 2024) for convolutions: each step changes a kernel evenly in all directions.

Keras has it for dense layers only. Here a kernel (rows, cols, in, out) counts as the matrix (rows * cols * in, out).
"""

import keras
from keras import ops

from model import CLASSES


class Muon(keras.optimizers.Muon):
    """Muon for the kernels between hidden layers, AdamW for the rest, as its authors advise.

    The rest: biases, kernels that take an image's channels or give classes, and depthwise ones, which are no matrices.
    """

    def __init__(self, *arguments, adam_lr_ratio: float = 0.5, **options):
        super().__init__(*arguments, adam_lr_ratio=adam_lr_ratio, **options)

    def _should_use_adamw(self, variable) -> bool:
        return len(variable.shape) != 4 or min(variable.shape[-2:]) <= len(CLASSES)

    def zeropower_via_newtonschulz5(self, x, steps: int):
        """The nearest matrix with equal singular values, in the shape of the kernel."""
        return ops.reshape(super().zeropower_via_newtonschulz5(_matrix(x), steps), x.shape)

    def lr_adjust(self, x):
        """A step as large as AdamW's would be, in the shape of the kernel."""
        return ops.reshape(super().lr_adjust(_matrix(x)), x.shape)


def _matrix(kernel):
    return ops.reshape(kernel, (-1, kernel.shape[-1]))
