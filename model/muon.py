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

    def _muon_update_step(self, gradient, variable, learning_rate, momentum):
        self.assign_add(momentum, gradient + (self.momentum - 1) * momentum)
        direction = gradient + self.momentum * momentum  # Nesterov's
        matrix = ops.reshape(direction, (-1, variable.shape[-1]))
        step = self.lr_adjust(learning_rate * self.zeropower_via_newtonschulz5(matrix, self.ns_steps))
        self.assign_sub(variable, ops.reshape(step, variable.shape))
