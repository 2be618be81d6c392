"""Data with answers worked out by hand."""

import keras
import numpy as np
import pytest

from model.evaluation.results import OFFICIAL_SETS
from model.weights import save_model
from tests.model.evaluation.synthetic import SIZE, write_frame


@pytest.fixture
def official(tmp_path):
    """Two frames per set: both right; one false positive; one half right and one missed."""
    root = tmp_path / "sample_evaluation_data"
    following, without, with_target = (root / name for name in OFFICIAL_SETS)
    write_frame(following, "a", ground_truth=(0, 0, 8, 8))
    write_frame(following, "b", ground_truth=(4, 4, 20, 12))
    write_frame(without, "a", drawn=(0, 0, 2, 2))
    write_frame(without, "b")
    write_frame(with_target, "a", ground_truth=(0, 0, 8, 8), drawn=(0, 0, 8, 4))
    write_frame(with_target, "b", ground_truth=(10, 10, 12, 12), drawn=None)
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A network of one 1x1 convolution that detects red, saved to a file."""
    image = keras.Input((SIZE, SIZE, 3))
    logits = keras.layers.Conv2D(3, 1, name="red")(image)
    network = keras.Model(image, keras.layers.Softmax()(logits))
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, :, 2] = 1, -1, 0
    network.get_layer("red").set_weights([kernel, np.array([0, -50, -20], np.float32)])
    return save_model(network, tmp_path_factory.mktemp("weights") / "red.h5")
