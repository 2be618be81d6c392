"""Synthetic frames whose red pixels are the target, and a "network" that segments them."""

import cv2
import numpy as np

from dataset.pairs import find_pairs
from model.evaluation.measure import measure, set_names
from model.evaluation.results import Evaluation

SIZE = 32
HERO_RED, GREY = (200, 20, 20), (90, 90, 90)


def write_frame(folder, name, ground_truth=None, drawn="as labelled", size=SIZE, shade=HERO_RED):
    """Write a frame with a red box, which the "network" predicts as the target, and a ground truth that may differ."""
    drawn = ground_truth if drawn == "as labelled" else drawn
    image, mask = np.full((size, size, 3), GREY, np.uint8), np.zeros((size, size, 3), np.uint8)
    if drawn:
        image[drawn[0] : drawn[2], drawn[1] : drawn[3]] = shade
    mask[..., 0] = 255
    if ground_truth:
        top, left, bottom, right = ground_truth
        mask[top:bottom, left:right] = (0, 0, 255)
    for role, picture, suffix in (("images", image, f"{name}_cam1_1.png"), ("masks", mask, f"{name}_mask_1.png")):
        (folder / role).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / role / suffix), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


class PredictsRed:
    """Predicts the target where a pixel is red."""

    def predict(self, images):
        hero = (images[..., 0].astype(int) - images[..., 1] > 20).astype(np.float32)
        return np.stack([1 - hero, np.zeros_like(hero), hero], axis=-1)


def evaluate(folder, name="red", predictor=None, every=1):
    pairs, problems = find_pairs(folder)
    assert not problems
    measured = measure(predictor or PredictsRed(), pairs[::every], set_names(pairs, folder)[::every])
    return Evaluation(name, f"{name}, 32x32", tuple(result for result, _ in measured))
