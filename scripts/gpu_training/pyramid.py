"""`model.networks.Pyramid` in PyTorch, with the weights of a Keras network."""

from collections.abc import Mapping

import keras
import numpy as np
import torch
import torch.nn.functional as F

from model.networks import Pyramid

Parameters = Mapping[str, torch.Tensor]  # by "layer/kernel" or "layer/bias"; kernels (out, in, rows, columns)

KERAS_TO_TORCH = (3, 2, 0, 1)  # axes of a kernel, also of a transposed convolution's
TORCH_TO_KERAS = (2, 3, 1, 0)


class TorchPyramid:
    """A pyramid that computes in `dtype`; its parameters are float32."""

    def __init__(self, design: Pyramid, network: keras.Model, device: torch.device, dtype: torch.dtype) -> None:
        """Take over the weights of `network`, which `design` has built."""
        self.design, self._dtype = design, dtype
        self.parameters = {
            name: _tensor(weight, device).requires_grad_() for name, weight in _named_weights(network).items()
        }

    def logits(self, images: torch.Tensor, parameters: Parameters | None = None) -> torch.Tensor:
        """Return (n, classes, rows, columns) float32 scores of (n, 3, rows, columns) RGB in 0..255.

        With `parameters`, those of a network of the same design instead of its own.
        """
        own = parameters or self.parameters

        def convolve(x: torch.Tensor, layer: str) -> torch.Tensor:
            kernel = own[f"{layer}/kernel"].to(self._dtype)
            return F.conv2d(x, kernel, own[f"{layer}/bias"].to(self._dtype), padding=kernel.shape[-1] // 2)

        def halve(x: torch.Tensor, layer: str) -> torch.Tensor:
            """Convolve with stride 2; like Keras, pad an odd row and column at the end."""
            kernel = own[f"{layer}/kernel"].to(self._dtype)
            before, after = (kernel.shape[-1] - 2) // 2, (kernel.shape[-1] - 1) // 2
            padded = F.pad(x, (before, after, before, after))
            return F.relu(F.conv2d(padded, kernel, own[f"{layer}/bias"].to(self._dtype), stride=2))

        light = torch.cat([images / 127.5 - 1, torch.tanh(images / 40)], 1)
        light = light.to(self._dtype).contiguous(memory_format=torch.channels_last)
        x, skips = halve(light, "stem"), []
        for level, blocks in enumerate(self.design.blocks):
            if level:
                x = halve(x, f"down{level}")
            for block in range(blocks):
                y = F.relu(convolve(x, f"encoder{level}_{block}_a"))
                x = F.relu(x + convolve(y, f"encoder{level}_{block}_b"))
            skips.append(x)
        for level in reversed(range(len(skips) - 1)):
            x = F.relu(convolve(x, f"reduce{level}"))
            x = _double(x) + convolve(skips[level], f"lateral{level}")
            for number in range(self.design.convolutions[level]):
                x = F.relu(convolve(x, f"decoder{level}_{number}"))
        kernel, bias = (own[f"logits/{kind}"].to(self._dtype) for kind in ("kernel", "bias"))
        scores = F.conv_transpose2d(x, kernel, bias, stride=2, padding=1)
        if self.design.detail:
            fine = _double(F.relu(convolve(x, "detail_reduce"))) + F.relu(convolve(light, "detail_image"))
            scores = scores + convolve(F.relu(convolve(fine, "detail_decoder")), "detail_logits")
        return scores.float()

    def probabilities(self, images: torch.Tensor, parameters: Parameters | None = None) -> torch.Tensor:
        """Return (n, classes, rows, columns) of images as in `logits`, without gradients."""
        with torch.no_grad():
            return torch.softmax(self.logits(images, parameters), 1)


def write_weights(parameters: Parameters, network: keras.Model) -> None:
    """Give a Keras network of the same design these parameters."""
    for layer in network.layers:
        if layer.weights:
            kernel, bias = (parameters[f"{layer.name}/{kind}"].detach().cpu().numpy() for kind in ("kernel", "bias"))
            layer.set_weights([np.transpose(kernel, TORCH_TO_KERAS), bias])


def _named_weights(network: keras.Model) -> dict[str, np.ndarray]:
    named = dict[str, np.ndarray]()
    for layer in network.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            named |= {f"{layer.name}/kernel": np.transpose(kernel, KERAS_TO_TORCH), f"{layer.name}/bias": bias}
    return named


def _tensor(weight: np.ndarray, device: torch.device) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(weight)).to(device)
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor


def _double(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
