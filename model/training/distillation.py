"""Models whose mean another one learns to give: what several know, in the time of one (Hinton et al. 2015).

Networks of this task are sure of themselves, and each errs in its own way, even differently on the mirrored frame.
Their mean takes fewer people for the hero than any of them. Teachers and learner see the very same sample, as in Beyer
et al. 2022, "Knowledge distillation: A good teacher is patient and consistent".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

import keras
import numpy as np

from model.inference.runtimes import compile_network
from model.networks import clone_with


class Teachers:
    """Adds to each batch what the teachers see in it."""

    def __init__(self, looks: Sequence[Callable[[np.ndarray], np.ndarray]]) -> None:
        """Looks: each from (n, size, size, 3) uint8 images to (n, size, size, 3) class probabilities, for any size."""
        self._looks = looks

    def teach(self, stream: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(n, size, size, 3) images and (n, size, size) labels -> the images, and (n, size, size, 3) uint8.

        That is the label, and the teachers' probabilities of people and of the hero, 255 for certain.
        """
        for images, labels in stream:
            seen = np.rint(self.probabilities(images)[..., 1:] * 255).astype(np.uint8)
            yield images, np.concatenate([labels[..., None], seen], axis=-1)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """The normalised geometric mean of all, every second of which looks at the mirrored images."""
        logs = np.zeros(images.shape, np.float32)
        for number, look in enumerate(self._looks):
            way = slice(None, None, -1 if number % 2 else 1)
            seen = look(images[:, :, way])[:, :, way]
            logs += np.log(seen + 1e-6)
        mean = np.exp(logs / len(self._looks))
        return mean / (mean @ np.ones((3, 1), np.float32))


def at_any_size(network: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A fully convolutional network as a function of images of any size, in the fastest way to run it here.

    It is compiled for each size on its own, when that first comes.
    """

    @cache
    def compiled(shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
        return compile_network(clone_with(network, dtype="float32", shape=shape)).predict

    return lambda images: compiled(images.shape[1:])(images)
