"""Soft labels of several teachers."""

import keras
import numpy as np
import pytest

from dataset.schema import HERO
from model.networks import build
from model.training.distillation import add_soft_labels, any_size_predictor, mean_probabilities
from model.weights import load_model, save_model
from tests.model.training.train_command import arguments, train


class Teacher:
    """A network with one answer for dark pixels and another for bright ones."""

    def __init__(self, dark, bright):
        self.dark, self.bright = np.array(dark), np.array(bright)

    def __call__(self, images):
        return np.where(images[..., :1] > 100, self.bright, self.dark)


def test_the_mean_of_teachers_is_geometric_and_in_place():
    images = np.zeros((2, 4, 6, 3), np.uint8)
    images[:, 1, 2] = 200  # a place that is elsewhere in the mirrored image
    teachers = [Teacher((0.8, 0.1, 0.1), (0.1, 0.1, 0.8)), Teacher((0.8, 0.1, 0.1), (0.5, 0.4, 0.1))]
    mean = mean_probabilities(teachers, images)
    expected = np.sqrt([0.1 * 0.5, 0.1 * 0.4, 0.8 * 0.1])
    np.testing.assert_allclose(mean[0, 1, 2], expected / expected.sum(), atol=1e-4)
    np.testing.assert_allclose(
        np.delete(mean.reshape(2, 24, 3), 8, axis=1), np.full((2, 23, 3), (0.8, 0.1, 0.1)), atol=1e-4
    )


def test_batches_have_labels_and_soft_labels():
    images, labels = np.zeros((1, 2, 2, 3), np.uint8), np.array([[[0, 1], [2, 2]]], np.uint8)
    [(same, soft)] = add_soft_labels([(images, labels)], [Teacher((0.2, 0.2, 0.6), (0, 0, 1))], HERO)
    assert same is images
    np.testing.assert_array_equal(soft[..., 0], labels)
    np.testing.assert_array_equal(soft[..., 1:], np.broadcast_to([51, 153], (1, 2, 2, 2)))


def test_a_target_that_is_not_labelled_is_not_taught():
    images = np.zeros((2, 1, 2, 3), np.uint8)
    labels = np.array([[[0, 1]], [[0, 2]]], np.uint8)
    teachers = [Teacher((0.2, 0.2, 0.6), (0, 0, 1))]
    [(_, soft)] = add_soft_labels([(images, labels)], teachers, HERO)
    np.testing.assert_allclose(soft[0, ..., 1:], np.broadcast_to([128, 0], (1, 2, 2)), atol=1)
    np.testing.assert_array_equal(soft[1, ..., 1:], np.broadcast_to([51, 153], (1, 2, 2)))
    [(_, soft)] = add_soft_labels([(images, labels)], teachers, target=None)
    np.testing.assert_array_equal(soft[..., 1:], np.broadcast_to([51, 153], (2, 1, 2, 2)))


@pytest.mark.training
def test_a_model_is_distilled(data, tmp_path):
    """With distillation only: the teacher sees the hero everywhere, and teaches that where one is labelled."""
    teacher = build("fcn-1")
    kernel, bias = teacher.get_layer("logits").get_weights()
    teacher.get_layer("logits").set_weights([0 * kernel, np.array([0.0, 0.0, 5.0], np.float32) + 0 * bias])
    save_model(teacher, tmp_path / "teacher.h5", {})
    settings = (data / "settings.toml").read_text() + "[loss]\ndistillation = 1.0\n"
    (tmp_path / "settings.toml").write_text(settings)
    given = [
        *arguments(data, tmp_path / "run", validation=False),
        "--settings",
        tmp_path / "settings.toml",
        "--epochs",
        8,
    ]
    status, printed = train(*given, "--teacher", tmp_path / "teacher.h5")
    assert status == 0, printed
    probabilities = load_model(tmp_path / "run" / "last.h5").model(np.full((1, 160, 160, 3), 90, np.float32))
    assert np.asarray(probabilities)[..., HERO].mean() > 0.3
    status, printed = train(*arguments(data, tmp_path / "other"), "--teacher", tmp_path / "missing.h5")
    assert status == 2
    assert "missing.h5" in printed


def test_a_teacher_may_have_two_classes():
    network = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 1, activation="softmax")])
    predict = any_size_predictor(network, target=1)
    assert predict(np.zeros((1, 64, 96, 3), np.float32)).shape == (1, 64, 96, 2)
