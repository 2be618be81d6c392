"""Training goes on from a model of 2017, or says at once why it cannot."""

import numpy as np

from model.weights import load_model
from tests.model.labelled_frames import write_dataset
from tests.model.train_command import train

SIZE = 64
SETTINGS = """
batch_size = 4
epoch_steps = 2
full_frames = 0.0
[augmentation]
crop = 64
"""


def write_model(files, activation):
    """A pair of files as in 2017: a separable encoder, batch normalisation, TensorFlow 1's bilinear upsampling."""
    image = files.input(shape=(None, SIZE, SIZE, 3))
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


MEANS = {"gamma": 1.0, "beta": 0.0, "moving_mean": 0.0, "moving_variance": 1.0}


def arguments(path):
    (path / "settings.toml").write_text(SETTINGS)
    learn = write_dataset(path / "learn", 6, size=SIZE)
    return (
        *("--init", path / "model_weights", "--data", learn, "--no-validation", "--settings", path / "settings.toml"),
        *("--run", path / "run", "--cache", path / "cache", "--epochs", 1),
    )


def test_a_model_of_2017_learns_more_and_becomes_one_of_ours(legacy_files, tmp_path):
    before = load_model(write_model(legacy_files, "relu"))
    status, printed = train(*arguments(tmp_path))
    assert status == 0, printed
    after = load_model(tmp_path / "run" / "last.h5")
    assert (after.is_legacy, after.input_size) == (False, (SIZE, SIZE))
    image = np.random.default_rng(0).uniform(0, 255, (1, SIZE, SIZE, 3)).astype(np.float32)
    seen = [np.asarray(each.model(image)) for each in (before, after)]
    assert 1e-4 < np.abs(seen[0] - seen[1]).mean() < 0.3  # a small step from where it was, not a fresh network


def test_what_could_not_be_saved_does_not_begin_to_learn(legacy_files, tmp_path):
    write_model(legacy_files, "hard_sigmoid")
    status, printed = train(*arguments(tmp_path))
    assert status == 2
    assert f"--init: no training can go on from {tmp_path / 'model_weights'}" in printed
    assert "could not be saved and loaded again: the architecture holds Python code" in printed
    assert not (tmp_path / "run" / "results.csv").exists()
