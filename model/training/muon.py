"""The Muon optimiser (Jordan et al. 2024) for convolutions: each step changes a kernel evenly in all directions.

Keras has it for dense layers only. Here a kernel (rows, cols, in, out) counts as the matrix (rows * cols * in, out).
"""

import keras
from keras import ops

from dataset.schema import CLASSES

FEW = 2 * len(CLASSES)  # channels of what comes from an image, twice red, green and blue, or becomes classes


class Muon(keras.optimizers.Muon):
    """Muon for the kernels between hidden layers, AdamW for the rest, as its authors advise.

    The rest: biases, kernels that take an image's channels or give classes, and depthwise ones, which are no matrices.
    """

    def __init__(self, *arguments, adam_lr_ratio: float = 0.5, **options):
        super().__init__(*arguments, adam_lr_ratio=adam_lr_ratio, **options)

    def _should_use_adamw(self, variable) -> bool:
        return len(variable.shape) != 4 or min(variable.shape[-2:]) <= FEW

    def zeropower_via_newtonschulz5(self, x, steps: int):
        """The nearest matrix with equal singular values, in the shape of the kernel.

        With G = X'X the iteration X <- X (a + b G + c GG) needs X at its ends only; in between G takes its place,
        which is many times smaller.
        """
        matrix = _matrix(x)
        wide = matrix.shape[0] < matrix.shape[1]
        gram = matrix @ ops.transpose(matrix) if wide else ops.transpose(matrix) @ matrix
        square = ops.trace(gram) + 1e-14
        gram, one = gram / square, ops.eye(gram.shape[0])
        whole = one
        for _ in range(steps):
            factor = self.muon_a * one + self.muon_b * gram + self.muon_c * (gram @ gram)
            gram = factor @ gram @ factor
            whole = whole @ factor
        step = (whole @ matrix if wide else matrix @ whole) / ops.sqrt(square)
        return ops.reshape(step, x.shape)

    def lr_adjust(self, x):
        """A step as large as AdamW's would be, in the shape of the kernel."""
        return ops.reshape(super().lr_adjust(_matrix(x)), x.shape)


def _matrix(kernel):
    return ops.reshape(kernel, (-1, kernel.shape[-1]))
