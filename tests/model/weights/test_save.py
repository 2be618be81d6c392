"""Saved models come back as they were, with their metadata; a failed save changes nothing."""

import keras
import numpy as np
import pytest
from keras import layers

from config.version import VERSION
from model.weights import WeightsError, check_savable, load_model, save_model
from tests.model.weights.small_network import small_network


def test_a_saved_model_comes_back_as_it_was(tmp_path):
    saved = save_model(small_network(), tmp_path / "mine.h5", {"score": 0.5, "classes": ["a", "b"]})
    image = np.random.default_rng(5).uniform(0, 255, (2, 8, 12, 3)).astype(np.float32)
    loaded = load_model(saved)
    assert (loaded.name, loaded.input_size, loaded.is_legacy) == ("mine.h5", (8, 12), False)
    assert loaded.metadata == {"score": 0.5, "classes": ["a", "b"], "version": VERSION}
    np.testing.assert_allclose(loaded.model(image), small_network()(image), atol=1e-6)


def test_metadata_may_be_long(tmp_path):
    history = {"history": list(range(50_000))}
    assert load_model(save_model(small_network(), tmp_path / "m.h5", history)).metadata["history"] == history["history"]


def test_a_model_of_2017_can_be_saved_as_one_of_ours(legacy_files, tmp_path, image):
    files = legacy_files
    up = files.layer("BilinearUpSampling2D", "up", "a", size=[2, 2])
    down = files.layer("MaxPooling2D", "down", "up", pool_size=[2, 2])
    architecture = files.functional([files.input(), files.conv("a", "input_1", activation="relu"), up, down], "down")
    kernel, bias = np.random.default_rng(6).normal(size=(1, 1, 3, 3)), np.ones(3)
    legacy = load_model(files.write(architecture, {"a": {"a/kernel:0": kernel, "a/bias:0": bias}})).model
    own = load_model(save_model(legacy, tmp_path / "ours.h5"))
    assert not own.is_legacy
    np.testing.assert_allclose(own.model(image), legacy(image), atol=1e-6)


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path):
    path = save_model(small_network(), tmp_path / "m.h5", {"epoch": 1})
    image = keras.Input((8, 12, 3))
    with pytest.raises(WeightsError, match="Lambda"):
        save_model(keras.Model(image, layers.Lambda(lambda x: x)(image)), path)
    with pytest.raises(WeightsError, match="JSON"):
        save_model(small_network(), path, {"not JSON": object()})
    assert load_model(path).metadata["epoch"] == 1
    assert [item.name for item in tmp_path.iterdir()] == ["m.h5"]


def test_only_formats_of_keras_are_written(tmp_path):
    with pytest.raises(WeightsError, match=r"\.h5 or \.keras; m\.onnx is neither"):
        save_model(small_network(), tmp_path / "m.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_digests_of_the_training_set_come_back(tmp_path, name):
    digests = np.array([3, 2**63 + 1], np.uint64)
    path = save_model(small_network(), tmp_path / name, {"epoch": 3}, seen_in_training=digests)
    assert load_model(path).metadata["epoch"] == 3
    np.testing.assert_array_equal(load_model(path).seen_in_training, digests)
    assert load_model(save_model(small_network(), tmp_path / "unknown.h5")).seen_in_training is None
    small_network().save(tmp_path / "archive.keras")
    assert load_model(tmp_path / "archive.keras").seen_in_training is None


def test_what_could_not_be_loaded_is_not_savable():
    check_savable(small_network())
    image = keras.Input((None, None, 3))
    with pytest.raises(WeightsError, match=r"could not be saved and loaded again.*fixed rows and columns"):
        check_savable(keras.Model(image, layers.Conv2D(3, 1)(image)))
