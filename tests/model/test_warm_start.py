"""A network that begins with another's weights answers as that one does."""

import keras
import numpy as np
import pytest
from keras import layers

from model import networks
from model.training.warm_start import warm_start
from model.weights import load_model, save_model
from tests.model.train_command import arguments, train, write_data


def small(twice):
    """A network of two convolutions that sees its image once, or the second time squared."""
    image = keras.Input((8, 8, 3))
    x = layers.Concatenate()([image, image * image]) if twice else image
    x = layers.Conv2D(5, 3, padding="same", activation="relu", name="first")(x)
    return keras.Model(image, layers.Conv2D(3, 1, name="second")(x))


def test_further_channels_change_nothing_until_they_are_learnt():
    source, network = small(twice=False), small(twice=True)
    share = warm_start(network, source)
    image = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(network(image), source(image), atol=1e-6)
    known, new = 3 * 3 * 3 * 5 + 5 + 5 * 3 + 3, 3 * 3 * 3 * 5
    assert share == pytest.approx(known / (known + new))


def test_a_layer_of_another_shape_stays_as_it_is():
    source, network = (networks.Pyramid((8, width), (0, 0), (1,)).build(8) for width in (16, 24))
    kept = network.get_layer("down1").get_weights()[0]
    warm_start(network, source)
    np.testing.assert_array_equal(network.get_layer("down1").get_weights()[0], kept)
    stems = (each.get_layer("stem").get_weights()[0] for each in (network, source))
    np.testing.assert_array_equal(*stems)


def test_a_training_goes_on_in_another_preset(tmp_path):
    data = write_data(tmp_path)
    source = networks.build("fcn-1", 160)
    save_model(source, tmp_path / "old.h5", {})
    settings = tmp_path / "settings.toml"
    settings.write_text(settings.read_text().replace("learning_rate = 0.01", "init_learning_rate = 0.0"))
    begin = "--init", tmp_path / "old.h5", "--epochs", 1, "--preset"
    status, printed = train(*arguments(data, tmp_path / "run"), *begin, "fcn-1")
    assert status == 0, printed
    assert "100.0% of the fcn-1's weights are those of" in printed
    kernel = load_model(tmp_path / "run" / "last.h5").model.get_layer("bottleneck").get_weights()[0]
    np.testing.assert_allclose(kernel, source.get_layer("bottleneck").get_weights()[0], atol=1e-6)

    status, printed = train(*arguments(data, tmp_path / "other"), *begin, "pyramid")
    assert status == 2
    assert "a pyramid cannot begin with" in printed
    assert "old.h5" in printed
