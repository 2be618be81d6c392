"""A network of any classes for the agent: its target is the hero, all else background or people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataset.schema import BACKGROUND, CLASSES, DEFAULT_CLASSES, HERO, PEOPLE, Classes
from model.inference.segmenter import Segmenter
from model.weights import LoadedModel, WeightsError, load_model
from model.weights.conventions import known_frames


class AgentSegmenter(Segmenter):
    """A segmenter that gives background, people and hero, whatever the network tells apart."""

    def __init__(self, weights: str | Path | LoadedModel, *arguments: Any, **options: Any) -> None:
        """Load and compile as `Segmenter` does. Raises WeightsError if no class is the target, too."""
        loaded = weights if isinstance(weights, LoadedModel) else load_model(weights)
        if loaded.classes.target is None:
            raise WeightsError(
                f"{loaded.name} tells apart {loaded.classes}: for flights and their labels, a model needs a target,"
                " which the classes.toml of its training data names."
            )
        super().__init__(loaded, *arguments, **options)
        images, labels = known_frames(self.input_size)
        self.typical_fraction = typical_fraction(self.predict(images), labels)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return (n, rows, columns, 3) float32 probabilities of (n, height, width, 3) uint8 RGB."""
        probabilities = super().predict(images)
        return probabilities if self.classes == DEFAULT_CLASSES else as_usual_classes(probabilities, self.classes)


def typical_fraction(probabilities: np.ndarray, labels: Sequence[np.ndarray]) -> float:
    """Return the least fraction of a target in plain view that is classified as target and not as people, in [0, 1].

    Networks differ in how certain they are, so that a fraction that is usual for one is unusual for another.
    `probabilities` are (n, rows, columns, 3) of frames with `labels`, n times (height, width), that show the target.
    """
    fractions = []
    rows, columns = probabilities.shape[1:3]
    for predicted, truth in zip(probabilities, labels, strict=True):
        target = cv2.resize(truth, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT) == HERO
        people, hero = (float(predicted[target][:, label].sum()) for label in (PEOPLE, HERO))
        fractions.append(hero / max(people + hero, 1e-9))
    return min(fractions)


def as_usual_classes(probabilities: np.ndarray, classes: Classes) -> np.ndarray:
    """Return (..., 3) of (..., classes): the target as hero, a class called people as such, all else as background."""
    usual = np.zeros((*probabilities.shape[:-1], len(CLASSES)), np.float32)
    usual[..., HERO] = probabilities[..., classes.target]
    people = CLASSES[PEOPLE]
    if people in classes.names and classes.target_name != people:
        usual[..., PEOPLE] = probabilities[..., classes.names.index(people)]
    usual[..., BACKGROUND] = 1 - usual[..., HERO] - usual[..., PEOPLE]
    return usual
