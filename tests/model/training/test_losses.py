"""The loss and the training metric, by hand."""

import numpy as np

from dataset.schema import IGNORED, Classes
from model.settings import LossSettings
from model.training.losses import MeanIoU, TargetIoU, segmentation_loss

ROAD = Classes(("road", "rest"), target=None, colours=(0, 0xFFFFFF))


def test_a_far_target_has_the_same_weight_in_a_full_frame_as_in_a_crop():
    """Missed with all else right; by hand: 3 x 2 pixels of 256, weight 8, and the Jaccard index 1 of 7."""
    settings = LossSettings(class_weights=(1.0, 6.0, 8.0), hero_jaccard=0.6, people_jaccard=0.15)
    loss = segmentation_loss(settings, pixels=16 * 16)
    missed = []
    for size in (16, 64):
        labels = np.zeros((1, size, size), np.uint8)
        labels[0, 5:8, 5:7] = 2
        probabilities = np.zeros((1, size, size, 3), np.float32)
        probabilities[..., 0] = 1 - 1e-6
        probabilities[0, 5:8, 5:7] = (0.9, 0.0, 0.1)
        missed.append(float(loss(labels, probabilities)[0]))
    entropy = 6 * 8 * -np.log(0.1) / 256
    jaccard = 1 - (0.6 + 1) / (6 + 0.6 - 0.6 + 1)
    np.testing.assert_allclose(missed, entropy + 0.6 * jaccard, rtol=0.01)


def test_the_minimum_is_at_the_teachers_probabilities():
    """With distillation only, the loss is least at the soft labels, whatever the weight of a class."""
    loss = segmentation_loss(LossSettings(distillation=1.0), pixels=4)
    labels = np.zeros((1, 2, 2, 3), np.uint8)
    labels[..., 1:] = 51, 102  # 0.2 people, 0.4 hero
    costs = {
        hero: float(loss(labels, np.broadcast_to(np.float32([0.8 - hero, 0.2, hero]), (1, 2, 2, 3)))[0])
        for hero in (0.2, 0.3, 0.4, 0.5, 0.6)
    }
    assert min(costs, key=costs.get) == 0.4


def test_labels_keep_their_fraction_of_the_loss():
    """Half and half, by hand: no class is heavier, no other terms."""
    plain = LossSettings(
        class_weights=(1.0, 1.0, 1.0), hero_jaccard=0.0, people_jaccard=0.0, false_positive=(0.0, 0.0), distillation=0.5
    )
    labels = np.zeros((1, 1, 1, 3), np.uint8)
    labels[..., 1] = 255  # the label is background, the soft label people
    cost = float(segmentation_loss(plain, pixels=1)(labels, np.float32([[[[0.5, 0.25, 0.25]]]]))[0])
    np.testing.assert_allclose(cost, 0.5 * -np.log(0.5) + 0.5 * -np.log(0.25), rtol=1e-4)


def test_the_metric_compares_with_labels_not_with_soft_labels():
    labels = np.zeros((1, 2, 2, 3), np.uint8)
    labels[0, 0, 0] = 2, 255, 0
    probabilities = np.zeros((1, 2, 2, 3), np.float32)
    probabilities[0, 0, 0, 2] = 1
    metric = TargetIoU()
    metric.update_state(labels, probabilities)
    assert float(metric.result()["hero_iou"]) == 1


def test_the_metric_groups_targets_by_size_in_frames_of_any_size():
    labels = np.zeros((3, 32, 32), np.uint8)
    labels[0, :4, :5] = labels[1, :24, :24] = 2  # 20 and 576 pixels; the third is negative
    found = np.zeros((3, 32, 32, 3), np.float32)
    found[0, :2, :5, 2] = found[1, :24, :24, 2] = found[2, :9, :9, 2] = 1
    metric = TargetIoU()
    metric.update_state(labels, found)
    means = {key: float(value) for key, value in metric.result().items()}
    assert (means["hero_iou"], means["hero_iou 15-50 px"], means["hero_iou over 400 px"]) == (0.75, 0.5, 1.0)
    assert np.isnan(means["hero_iou under 15 px"])
    half = TargetIoU(128)  # samples of frames of 128x128, where 20 pixels are what 80 are in 256x256
    half.update_state(labels[:1], found[:1])
    assert float(half.result()["hero_iou 50-400 px"]) == 0.5


def test_ignored_pixels_cost_nothing_whatever_is_predicted_there():
    """By hand: two of four pixels count, one right by 0.8 and one by 0.6; the Jaccard index of both classes."""
    labels = np.array([[[0, 1], [IGNORED, IGNORED]]], np.uint8)
    costs = []
    for there in ((0.5, 0.5), (1.0, 0.0)):
        probabilities = np.float32([[[[0.8, 0.2], [0.4, 0.6]], [there, there]]])
        settings = LossSettings(people_jaccard=1.0)
        loss = segmentation_loss(settings, pixels=4, classes=ROAD, has_ignored=True)
        costs.append(float(loss(labels, probabilities)[0]))
    jaccards = [1 - (0.8 + 1) / (1 + 1.2 - 0.8 + 1), 1 - (0.6 + 1) / (1 + 0.8 - 0.6 + 1)]
    np.testing.assert_allclose(costs, (-np.log(0.8) - np.log(0.6)) / 4 + sum(jaccards), rtol=1e-4)


def test_metrics_of_own_classes_leave_ignored_pixels_out():
    labels = np.array([[[0, 0, 1, IGNORED]]], np.uint8)
    probabilities = np.float32([[[[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.1, 0.9]]]])
    mean, target = MeanIoU(2), TargetIoU(target=1, name="rest_iou")
    for metric in (mean, target):
        metric.update_state(labels, probabilities)
    assert float(mean.result()) == 0.5  # road 1 of 2, rest 1 of 2
    assert float(target.result()["rest_iou"]) == 0.5
