"""The network that a training starts from."""

import keras
import numpy as np
import pytest
from keras import layers

from model import networks
from model.settings import load_settings
from model.training.initialization import warm_start
from model.weights import load_model, save_model
from tests.model.labelled_frames import write_dataset
from tests.model.training.train_command import arguments, train


def small(twice):
    """A network of two convolutions that get the image, or the image and its square."""
    image = keras.Input((8, 8, 3))
    x = layers.Concatenate()([image, image * image]) if twice else image
    x = layers.Conv2D(5, 3, padding="same", activation="relu", name="first")(x)
    return keras.Model(image, layers.Conv2D(3, 1, name="second")(x))


def test_further_channels_change_nothing_until_they_are_learned():
    source, network = small(twice=False), small(twice=True)
    fraction = warm_start(network, source)
    image = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(network(image), source(image), atol=1e-6)
    known, new = 3 * 3 * 3 * 5 + 5 + 5 * 3 + 3, 3 * 3 * 3 * 5
    assert fraction == pytest.approx(known / (known + new))


def test_a_layer_of_another_shape_stays_as_it_is():
    source, network = (networks.Pyramid((8, width), (0, 0), (1,)).build(8) for width in (16, 24))
    kept = network.get_layer("down1").get_weights()[0]
    warm_start(network, source)
    np.testing.assert_array_equal(network.get_layer("down1").get_weights()[0], kept)
    stems = (each.get_layer("stem").get_weights()[0] for each in (network, source))
    np.testing.assert_array_equal(*stems)


@pytest.mark.training
def test_a_preset_is_initialised_from_another_model(data, tmp_path):
    source = networks.build("fcn-1", 160)
    save_model(source, tmp_path / "old.h5", {})
    settings = (data / "settings.toml").read_text().replace("learning_rate = 0.01", "fine_tuning_learning_rate = 0.0")
    (tmp_path / "settings.toml").write_text(settings)
    begin = "--settings", tmp_path / "settings.toml", "--init", tmp_path / "old.h5", "--epochs", 1, "--preset"
    status, printed = train(*arguments(data, tmp_path / "run", validation=False), *begin, "fcn-1")
    assert status == 0, printed
    assert "100.0% of the fcn-1's weights are those of" in printed
    kernel = load_model(tmp_path / "run" / "last.h5").model.get_layer("bottleneck").get_weights()[0]
    np.testing.assert_allclose(kernel, source.get_layer("bottleneck").get_weights()[0], atol=1e-6)

    status, printed = train(*arguments(data, tmp_path / "other"), *begin, "pyramid")
    assert status == 2
    assert "cannot initialise a pyramid" in printed
    assert "old.h5" in printed


LEGACY_SIZE = 64
MEANS = {"gamma": 1.0, "beta": 0.0, "moving_mean": 0.0, "moving_variance": 1.0}


LEGACY_SETTINGS = """
batch_size = 4
steps_per_epoch = 2
full_frame_fraction = 0.0
[augmentation]
crop = 64
"""


def write_legacy_model(files, activation):
    """Write a pair of files as in 2017: a separable encoder, batch normalisation, bilinear upsampling."""
    image = files.input(shape=(None, LEGACY_SIZE, LEGACY_SIZE, 3))
    separable = files.layer(
        *("SeparableConv2DKeras", "encoder", "input_1"),
        **{"filters": 8, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same", "activation": activation},
    )
    normalised = files.layer("BatchNormalization", "norm", "encoder", axis=-1, momentum=0.99, epsilon=0.001)
    enlarged = files.layer("BilinearUpSampling2D", "up", "norm", size=[2, 2], data_format="channels_last")
    classes = files.conv("classes", "up", activation="softmax")
    random = np.random.default_rng(3)
    weights = {
        "input_1": {},
        "encoder": {
            "encoder/depthwise_kernel:0": random.normal(size=(3, 3, 3, 1)),
            "encoder/pointwise_kernel:0": random.normal(size=(1, 1, 3, 8)),
            "encoder/bias:0": np.zeros(8),
        },
        "norm": {f"norm/{role}:0": np.full(8, value) for role, value in MEANS.items()},
        "up": {},
        "classes": {"classes/kernel:0": random.normal(size=(1, 1, 8, 3)), "classes/bias:0": np.zeros(3)},
    }
    return files.write(files.functional([image, separable, normalised, enlarged, classes], "classes"), weights)


def legacy_arguments(path):
    (path / "settings.toml").write_text(LEGACY_SETTINGS)
    frames = write_dataset(path / "train", 6, size=LEGACY_SIZE)
    return (
        *("--init", path / "model_weights", "--data", frames, "--no-validation", "--settings", path / "settings.toml"),
        *("--run", path / "run", "--cache", path / "cache", "--epochs", 1),
    )


@pytest.mark.training
def test_a_model_of_2017_is_trained_and_saved_in_our_format(legacy_files, tmp_path):
    before = load_model(write_legacy_model(legacy_files, "relu"))
    status, printed = train(*legacy_arguments(tmp_path))
    assert status == 0, printed
    after = load_model(tmp_path / "run" / "last.h5")
    assert (after.is_legacy, after.input_size) == (False, (LEGACY_SIZE, LEGACY_SIZE))
    image = np.random.default_rng(0).uniform(0, 255, (1, LEGACY_SIZE, LEGACY_SIZE, 3)).astype(np.float32)
    answers = [np.asarray(each.model(image)) for each in (before, after)]
    assert 1e-4 < np.abs(answers[0] - answers[1]).mean() < 0.3  # a small step from where it was, not a fresh network


@pytest.mark.training
def test_a_model_that_could_not_be_saved_is_not_trained(legacy_files, tmp_path):
    write_legacy_model(legacy_files, "hard_sigmoid")
    status, printed = train(*legacy_arguments(tmp_path))
    assert status == 2
    assert f"--init: {tmp_path / 'model_weights'} cannot be trained" in printed
    assert "could not be saved and loaded again: the architecture holds Python code" in printed
    assert not (tmp_path / "run" / "results.csv").exists()


def own_network(shape, layer, path):
    x = keras.Input(shape)
    y = layers.Conv2D(3, 1, trainable=layer != "frozen")(x)
    keras.Model(x, layers.Softmax()(y if layer == "frozen" else layer(y))).save(path)
    return path


@pytest.mark.parametrize(
    ("shape", "layer", "reason"),
    [
        (
            (64, 64, 3),
            layers.MaxPooling2D(2),
            "takes 64x64 pixels and gives 32x32; it can fly, but only a network that",
        ),
        ((64, 64, 3), layers.Resizing(64, 64), "does not take crops of 48 pixels"),
        ((64, 64, 3), layers.Reshape((64, 64, 3)), "does not take crops of 48 pixels"),
        ((64, 64, 3), "frozen", "has no weights to train: it was saved with trainable = False"),
    ],
    ids=["half the size", "resized", "reshaped", "frozen"],
)
def test_a_network_that_cannot_be_trained_is_refused_before_frames_are_read(tmp_path, shape, layer, reason):
    own_network(shape, layer, tmp_path / "own.keras")
    (tmp_path / "settings.toml").write_text("[augmentation]\ncrop = 48\n")
    (tmp_path / "train" / "images").mkdir(parents=True)
    (tmp_path / "train" / "masks").mkdir()
    for name in ("images/a.jpeg", "masks/a.png"):
        (tmp_path / "train" / name).write_bytes(b"not a picture, but nobody reads it")
    begin = "--data", tmp_path / "train", "--no-validation", "--settings", tmp_path / "settings.toml"
    status, printed = train(*begin, "--init", tmp_path / "own.keras", "--run", tmp_path / "run")
    assert status == 2
    assert reason in printed


@pytest.mark.training
def test_a_network_that_finds_people_learns_at_a_tenth_of_the_rate(data, tmp_path, monkeypatch):
    rates = []

    def fit(trainer, validation, minutes):
        rates.append(trainer.settings.learning_rate)
        raise KeyboardInterrupt

    monkeypatch.setattr("model.training.trainer.Trainer.fit", fit)
    (tmp_path / "settings.toml").write_text("batch_size = 1\n")
    begin = "--settings", tmp_path / "settings.toml", "--init", "model_weights.h5"
    status, printed = train(*arguments(data, tmp_path / "run", validation=False), *begin)
    assert status == 130, printed
    assert "fine-tuning at fine_tuning_learning_rate = 0.0003 instead of learning_rate" in printed
    assert rates == [pytest.approx(load_settings().learning_rate / 10)]

    begin = *begin, "--preset", "pyramid-teacher"  # its layers have other widths
    status, printed = train(*arguments(data, tmp_path / "other", validation=False), *begin)
    assert status == 130, printed
    assert "most of the pyramid-teacher is new: it learns at the rate of a new network, 0.003" in printed
    assert rates[1] == load_settings().learning_rate


def test_a_teacher_that_gives_fewer_pixels_is_refused_before_frames_are_read(data, tmp_path):
    path = own_network((64, 64, 3), layers.MaxPooling2D(2), tmp_path / "own.keras")
    status, printed = train(*arguments(data, tmp_path / "run"), "--teacher", path)
    assert status == 2
    assert f"--teacher: {path} does not give as many pixels as it takes" in printed


@pytest.mark.training
def test_a_network_that_ends_in_logits_is_trained(tmp_path):
    """It becomes one of ours, with the layer that it lacked."""
    x = keras.Input((64, 64, 3))
    keras.Model(x, layers.Conv2D(3, 3, padding="same")(x)).save(tmp_path / "own.keras")
    (tmp_path / "settings.toml").write_text(LEGACY_SETTINGS)
    frames = write_dataset(tmp_path / "train", 6, size=LEGACY_SIZE)
    begin = "--data", frames, "--no-validation", "--settings", tmp_path / "settings.toml", "--epochs", 1
    begin = *begin, "--run", tmp_path / "run", "--cache", tmp_path / "cache"
    status, printed = train(*begin, "--init", tmp_path / "own.keras")
    assert status == 0, printed
    assert "own.keras takes RGB in 0..255, a guess (it detects no one in the known frames" in printed
    assert "ends in logits, softmax added" in printed
    assert "own.keras detects nobody yet: it learns at the rate of a new network, 0.003" in printed
    trained = load_model(tmp_path / "run" / "last.h5")
    assert trained.convention == ""
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(trained.model(image)).sum(axis=-1), 1, atol=1e-5)
