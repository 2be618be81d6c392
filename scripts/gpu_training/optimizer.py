"""The optimizer of `model.training.optimizers` in PyTorch, for all kernels at once."""

from collections import defaultdict
from collections.abc import Sequence

import torch

from model.training.optimizers import MAX_EDGE_CHANNELS

MOMENTUM, NEWTON_SCHULZ_STEPS = 0.95, 5
A, B, C = 3.4445, -4.7750, 2.0315  # of the Newton-Schulz iteration
RMS_RATE = 0.2  # root mean square of a step relative to the learning rate
ADAM_RATIO, BETA_1, BETA_2, EPSILON = 0.5, 0.9, 0.999, 1e-7
ADAM_DECAY = 0.004  # of kernels at the network's ends


class Muon:
    """Muon for hidden kernels, AdamW for the rest, and a moving average of all parameters.

    Nothing in `step` depends on values on the host, so that a CUDA graph can hold it: `rate`, `ema_decay` and the
    number of steps are tensors.
    """

    def __init__(self, parameters: Sequence[torch.Tensor], decay: float, clip_norm: float) -> None:
        """Optimise `parameters`; `decay` is that of hidden kernels, `clip_norm` limits each gradient, 0 none."""
        self.parameters, self._decay, self._clip_norm = list(parameters), decay, clip_norm
        self.averages = [each.detach().clone(memory_format=torch.preserve_format) for each in parameters]
        numbers = range(len(self.parameters))
        self._hidden = [n for n in numbers if _is_hidden(self.parameters[n])]
        self._rest = [n for n in numbers if not _is_hidden(self.parameters[n])]
        self._momenta = [torch.zeros_like(self.parameters[n]) for n in self._hidden]
        self._first = [torch.zeros_like(self.parameters[n]) for n in self._rest]
        self._second = [torch.zeros_like(self.parameters[n]) for n in self._rest]
        self._sizes = defaultdict[int, list[int]](list)  # of the smaller side of their matrices, hidden kernels
        for place, number in enumerate(self._hidden):
            kernel = self.parameters[number]
            self._sizes[min(kernel.shape[0], kernel[0].numel())].append(place)
        device = self.parameters[0].device
        self.rate, self.ema_decay, self._steps = (torch.zeros((), device=device) for _ in range(3))

    def step(self, gradients: Sequence[torch.Tensor]) -> None:
        """Change all parameters by one step of `rate`, and their averages by `ema_decay`."""
        with torch.no_grad():
            self._steps += 1
            if self._clip_norm:
                norms = torch.stack(torch._foreach_norm(list(gradients)))
                scales = (self._clip_norm / norms).clamp(max=1).unbind()
                gradients = [gradient * scale for gradient, scale in zip(gradients, scales, strict=True)]
            self._step_hidden([gradients[n] for n in self._hidden])
            self._step_rest([gradients[n] for n in self._rest])
            change = torch._foreach_sub(self.parameters, self.averages)
            torch._foreach_mul_(change, 1 - self.ema_decay)
            torch._foreach_add_(self.averages, change)

    def _step_hidden(self, gradients: list[torch.Tensor]) -> None:
        kernels = [self.parameters[n] for n in self._hidden]
        torch._foreach_mul_(self._momenta, MOMENTUM)
        torch._foreach_add_(self._momenta, gradients)
        steps = [
            _as_matrix(gradient + MOMENTUM * momentum)
            for gradient, momentum in zip(gradients, self._momenta, strict=True)
        ]
        for places in self._sizes.values():
            factors = _orthogonal_factors([steps[place] for place in places])
            for place, factor in zip(places, factors, strict=True):
                matrix = steps[place]
                step = factor @ matrix if len(factor) == len(matrix) else matrix @ factor
                steps[place] = step * (self.rate * RMS_RATE * max(matrix.shape) ** 0.5)
        torch._foreach_mul_(kernels, 1 - self.rate * self._decay)
        torch._foreach_sub_(kernels, [_as_kernel(step, kernel) for step, kernel in zip(steps, kernels, strict=True)])

    def _step_rest(self, gradients: list[torch.Tensor]) -> None:
        parameters = [self.parameters[n] for n in self._rest]
        torch._foreach_mul_(self._first, BETA_1)
        torch._foreach_add_(self._first, gradients, alpha=1 - BETA_1)
        torch._foreach_mul_(self._second, BETA_2)
        torch._foreach_addcmul_(self._second, gradients, gradients, value=1 - BETA_2)
        correction = torch.sqrt(1 - BETA_2**self._steps) / (1 - BETA_1**self._steps)
        roots = torch._foreach_sqrt(self._second)
        torch._foreach_add_(roots, EPSILON)
        steps = torch._foreach_div(self._first, roots)
        torch._foreach_mul_(steps, self.rate * ADAM_RATIO * correction)
        if kernels := [each for each in parameters if each.ndim == 4]:
            torch._foreach_mul_(kernels, 1 - self.rate * ADAM_DECAY)
        torch._foreach_sub_(parameters, steps)


def _is_hidden(parameter: torch.Tensor) -> bool:
    return parameter.ndim == 4 and min(parameter.shape[:2]) > MAX_EDGE_CHANNELS


def _as_matrix(kernel: torch.Tensor) -> torch.Tensor:
    """Return a kernel (out, in, rows, columns) as (out, rows * columns * in)."""
    return kernel.permute(0, 2, 3, 1).reshape(kernel.shape[0], -1)


def _as_kernel(matrix: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    channels_out, channels_in, rows, columns = like.shape
    return matrix.view(channels_out, rows, columns, channels_in).permute(0, 3, 1, 2)


def _orthogonal_factors(matrices: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return (n, size, size): what makes all singular values of each matrix about 1, multiplied to its shorter side.

    The Newton-Schulz iteration of Jordan et al. 2024 on the Gram matrices, all of one size, which are much smaller.
    """
    size = min(matrices[0].shape)
    gram = torch.stack([each @ each.T if len(each) == size else each.T @ each for each in matrices])
    square = gram.diagonal(dim1=1, dim2=2).sum(1)[:, None, None] + 1e-14
    gram = gram / square
    product = torch.eye(size, device=gram.device).expand_as(gram)
    for _ in range(NEWTON_SCHULZ_STEPS):
        factor = torch.baddbmm(gram, gram, gram, beta=B, alpha=C)
        factor.diagonal(dim1=1, dim2=2).add_(A)
        gram = factor @ gram @ factor
        product = product @ factor
    return product / torch.sqrt(square)
