"""Learning from other models: what they say, and that it is learnt."""

import numpy as np

from model.training.distillation import Teachers
from model.training.losses import HeroIoU, segmentation_loss
from model.training.settings import LossSettings


class Sees:
    """A network that gives each pixel the same probabilities, or those of where the image is bright."""

    def __init__(self, dark, bright):
        self.dark, self.bright = np.array(dark), np.array(bright)

    def __call__(self, images):
        return np.where(images[..., :1] > 100, self.bright, self.dark)


def test_the_mean_of_teachers_is_geometric_and_in_place():
    images = np.zeros((2, 4, 6, 3), np.uint8)
    images[:, 1, 2] = 200  # a place that a mirrored look would miss
    teachers = Teachers([Sees((0.8, 0.1, 0.1), (0.1, 0.1, 0.8)), Sees((0.8, 0.1, 0.1), (0.5, 0.4, 0.1))])
    seen = teachers.probabilities(images)
    expected = np.sqrt([0.1 * 0.5, 0.1 * 0.4, 0.8 * 0.1])
    np.testing.assert_allclose(seen[0, 1, 2], expected / expected.sum(), atol=1e-4)
    np.testing.assert_allclose(
        np.delete(seen.reshape(2, 24, 3), 8, axis=1), np.full((2, 23, 3), (0.8, 0.1, 0.1)), atol=1e-4
    )


def test_batches_carry_labels_and_what_teachers_see():
    images, labels = np.zeros((1, 2, 2, 3), np.uint8), np.array([[[0, 1], [2, 2]]], np.uint8)
    [(same, taught)] = Teachers([Sees((0.2, 0.2, 0.6), (0, 0, 1))]).teach([(images, labels)])
    assert same is images
    np.testing.assert_array_equal(taught[..., 0], labels)
    np.testing.assert_array_equal(taught[..., 1:], np.broadcast_to([51, 153], (1, 2, 2, 2)))


def test_the_nearest_to_the_teachers_costs_least():
    """With nothing but teachers, the loss is least for their own answer, however heavy a class is."""
    loss = segmentation_loss(LossSettings(teachers=1.0), pixels=4)
    labels = np.zeros((1, 2, 2, 3), np.uint8)
    labels[..., 1:] = 51, 102  # 0.2 people, 0.4 hero
    costs = {
        hero: float(loss(labels, np.broadcast_to(np.float32([0.8 - hero, 0.2, hero]), (1, 2, 2, 3)))[0])
        for hero in (0.2, 0.3, 0.4, 0.5, 0.6)
    }
    assert min(costs, key=costs.get) == 0.4


def test_teachers_leave_the_labels_their_share():
    """Half and half, by hand: no class is heavier, no other terms."""
    plain = LossSettings(
        class_weights=(1.0, 1.0, 1.0), hero_jaccard=0.0, people_jaccard=0.0, false_hero=(0.0, 0.0), teachers=0.5
    )
    labels = np.zeros((1, 1, 1, 3), np.uint8)
    labels[..., 1] = 255  # the label says background, the teachers people
    cost = float(segmentation_loss(plain, pixels=1)(labels, np.float32([[[[0.5, 0.25, 0.25]]]]))[0])
    np.testing.assert_allclose(cost, 0.5 * -np.log(0.5) + 0.5 * -np.log(0.25), rtol=1e-4)


def test_the_metric_counts_labels_not_teachers():
    labels = np.zeros((1, 2, 2, 3), np.uint8)
    labels[0, 0, 0] = 2, 255, 0
    probabilities = np.zeros((1, 2, 2, 3), np.float32)
    probabilities[0, 0, 0, 2] = 1
    metric = HeroIoU()
    metric.update_state(labels, probabilities)
    assert float(metric.result()["hero_iou"]) == 1


def test_the_metric_tells_near_heroes_from_far_ones_in_frames_of_any_size():
    labels = np.zeros((3, 32, 32), np.uint8)
    labels[0, :4, :5] = labels[1, :24, :24] = 2  # 20 and 576 pixels; the third shows no hero
    found = np.zeros((3, 32, 32, 3), np.float32)
    found[0, :2, :5, 2] = found[1, :24, :24, 2] = found[2, :9, :9, 2] = 1
    metric = HeroIoU()
    metric.update_state(labels, found)
    means = {key: float(value) for key, value in metric.result().items()}
    assert (means["hero_iou"], means["hero_iou 15-50 px"], means["hero_iou over 400 px"]) == (0.75, 0.5, 1.0)
    assert np.isnan(means["hero_iou under 15 px"])
    half = HeroIoU(128)  # samples of frames of 128x128, where 20 pixels are what 80 are in 256x256
    half.update_state(labels[:1], found[:1])
    assert float(half.result()["hero_iou 50-400 px"]) == 0.5
