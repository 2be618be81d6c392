"""Presets segment images of any permitted size; copies keep their weights; costs follow from the layers' shapes."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from model import networks
from model.networks.__main__ import main
from model.training.initialization import warm_start

SIZE = 64


@pytest.mark.parametrize("preset", ["pyramid-small", "pyramid-detail", "fcn-2", "fcn-5", "efficientnet-lite0"])
def test_a_preset_maps_images_to_probabilities(preset):
    network = networks.build(preset, SIZE)
    image = np.random.default_rng(0).uniform(0, 255, (1, SIZE, SIZE, 3)).astype(np.float32)
    result = np.asarray(network(image))
    assert result.shape == (1, SIZE, SIZE, 3)
    np.testing.assert_allclose(result.sum(axis=-1), 1, atol=1e-5)


def test_sizes_that_do_not_fit_and_unknown_presets_are_errors():
    with pytest.raises(ValueError, match="a multiple of 32, got 100"):
        networks.build("pyramid", 100)
    with pytest.raises(ValueError, match="a multiple of 4, got 162"):
        networks.build("fcn-2", 162)
    with pytest.raises(ValueError, match=r"presets pyramid, .*, got 'pyramide'"):
        networks.build("pyramide")


def test_a_path_for_details_changes_nothing_until_it_has_learnt():
    plain, detailed = (networks.Pyramid((8, 16), (1, 1), (1,), detail=detail).build(16) for detail in (0, 4))
    assert warm_start(detailed, plain) > 0.9
    image = np.random.default_rng(0).uniform(0, 255, (1, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(detailed(image), plain(image), atol=1e-6)


def test_a_path_for_details_tells_single_pixels_apart():
    network = networks.Pyramid((8, 16), (0, 0), (0,), detail=8).build(16)
    for layer in map(network.get_layer, ("detail_image", "detail_decoder", "detail_logits")):
        kernel, bias = layer.get_weights()
        kernel[:] = 0
        kernel[1, 1] = 1
        layer.set_weights([kernel, bias])
    correction = keras.Model(network.input, network.get_layer("detail_logits").output)
    image = np.zeros((1, 16, 16, 3), np.float32)
    image[0, 8, 8] = 255
    change = np.asarray(correction(image) - correction(np.zeros_like(image)))[0, 8:10, 8:10, 0]  # a cell at stride 2
    assert change[0, 0] > change.ravel()[1:].max() + 1, change


def test_a_copy_has_the_weights_but_another_shape_and_precision():
    network = networks.Pyramid((8, 16), (1, 1), (1,)).build(16)
    copy = networks.clone_with(network, dtype="mixed_bfloat16", shape=(None, None, 3))
    assert copy.get_layer("stem").compute_dtype == "bfloat16"
    image = np.random.default_rng(0).uniform(0, 255, (1, 16, 16, 3)).astype(np.float32)
    result = np.asarray(copy(image))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, network(image), atol=0.05)
    assert copy(image.repeat(2, axis=1)).shape == (1, 32, 16, 3)
    for weight, original in zip(copy.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, original)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Conv2D(5, 3, strides=2, padding="same"), 4 * 4 * 3 * 3 * 2 * 5),
        (layers.Conv2DTranspose(5, 4, strides=2, padding="same"), 8 * 8 * 4 * 4 * 2 * 5),
        (layers.SeparableConv2D(5, 3, padding="same"), 8 * 8 * (3 * 3 * 2 + 2 * 5)),
        (layers.ReLU(), 0),
    ],
    ids=["convolution", "transposed", "separable", "none"],
)
def test_multiply_accumulates(layer, expected):
    image = keras.Input((8, 8, 2))
    assert networks.multiply_accumulates(keras.Model(image, layer(image))) == expected


def test_the_command_prints_layers_and_cost(capsys):
    main(["fcn-1", "--input-size", "32"])
    output = capsys.readouterr().out
    assert "bottleneck" in output
    assert "GMAC per frame" in output


@pytest.mark.parametrize("size", ["0", "abc", "64x", "64x64x3"])
def test_sizes_that_are_none_are_refused(size, capsys):
    with pytest.raises(SystemExit):
        main(["pyramid", "--input-size", size])
    assert f"expected a number of pixels, or ROWSxCOLUMNS, got '{size}'" in capsys.readouterr().err


def test_a_size_that_the_network_cannot_take_is_one_sentence(capsys):
    assert main(["pyramid", "--input-size", "100"]) == 2
    assert capsys.readouterr().err == "networks: expected an input size that is a multiple of 32, got 100\n"


def test_fcn_4_shows_the_shapes_of_its_author(capsys):

    main(["fcn-4"])
    shapes = [
        re.sub(r"\s", "", shape) for shape in re.findall(r"\(None,\s*\d+,\s*\d+,\s*\d+\)", capsys.readouterr().out)
    ]
    expected = ["80,80,16", "40,40,64", "20,20,128", "10,10,512", "10,10,256"]
    expected += ["20,20,128", "40,40,64", "80,80,32", "160,160,16", "160,160,3"]
    for shape in expected:
        at = shapes.index(f"(None,{shape})")
        shapes = shapes[at + 1 :]
