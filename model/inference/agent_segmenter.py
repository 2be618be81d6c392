"""A network of any classes for the agent: its target is the hero, all else background or people."""

from pathlib import Path
from typing import Any

import numpy as np

from dataset.schema import BACKGROUND, CLASSES, DEFAULT_CLASSES, HERO, PEOPLE, Classes
from model.inference.segmenter import Segmenter
from model.weights import LoadedModel, WeightsError, load_model


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

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return (n, rows, columns, 3) float32 probabilities of (n, height, width, 3) uint8 RGB."""
        probabilities = super().predict(images)
        return probabilities if self.classes == DEFAULT_CLASSES else as_usual_classes(probabilities, self.classes)


def as_usual_classes(probabilities: np.ndarray, classes: Classes) -> np.ndarray:
    """Return (..., 3) of (..., classes): the target as hero, a class called people as such, all else as background."""
    usual = np.zeros((*probabilities.shape[:-1], len(CLASSES)), np.float32)
    usual[..., HERO] = probabilities[..., classes.target]
    people = CLASSES[PEOPLE]
    if people in classes.names and classes.target_name != people:
        usual[..., PEOPLE] = probabilities[..., classes.names.index(people)]
    usual[..., BACKGROUND] = 1 - usual[..., HERO] - usual[..., PEOPLE]
    return usual
