"""Knowledge distillation: train one network to predict the mean of several, at the cost of one (Hinton et al. 2015).

Networks for this task are confident, but each errs on different frames, and even on mirrored ones. Their mean has
fewer false positives than any of them. Teachers and student get the same sample, augmentation included (Beyer et al.
2022, "Knowledge distillation: A good teacher is patient and consistent").
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import keras
import numpy as np

from model.data.batches import Batch
from model.inference.choices import Predict
from model.inference.runtimes import compile_network
from model.networks import clone_with


def add_soft_labels(batches: Iterable[Batch], teachers: Sequence[Predict], target: int | None) -> Iterator[Batch]:
    """Yield the batches with (n, rows, columns, classes) uint8 labels instead of (n, rows, columns).

    Their channels are the label and the teachers' probabilities of all classes but the first, times 255. Where an image
    has no pixel of the `target`, theirs is removed: that it is absent is known for certain.
    """
    for images, labels in batches:
        probabilities = mean_probabilities(teachers, images)
        if target is not None:
            probabilities = _without_false_targets(probabilities, labels, target)
        soft = np.rint(probabilities[..., 1:] * 255).astype(np.uint8)
        yield images, np.concatenate([labels[..., None], soft], axis=-1)


def _without_false_targets(probabilities: np.ndarray, labels: np.ndarray, target: int) -> np.ndarray:
    absent = ~(labels == target).any(axis=(1, 2))
    kept = probabilities.copy()
    kept[absent, ..., target] = 0
    kept[absent] /= np.maximum(kept[absent].sum(axis=-1, keepdims=True), np.finfo(np.float32).tiny)
    return kept


def mean_probabilities(teachers: Sequence[Predict], images: np.ndarray) -> np.ndarray:
    """Return the normalised geometric mean of the teachers' probabilities; every second one gets mirrored images."""
    logs = []
    for number, teacher in enumerate(teachers):
        columns = slice(None, None, -1 if number % 2 else 1)
        logs.append(np.log(teacher(images[:, :, columns])[:, :, columns] + 1e-6))
    mean = np.exp(sum(logs) / len(teachers))
    return np.asarray(mean / (mean @ np.ones((mean.shape[-1], 1), np.float32)))  # faster than a sum over few values


def any_size_predictor(network: keras.Model, target: int | None) -> Predict:
    """Return a function that predicts images of any size; it compiles the network for each size on first use.

    `target` is the class that is followed, None if none is.
    """

    @cache
    def compiled(shape: tuple[int, ...]) -> Predict:
        return compile_network(clone_with(network, dtype="float32", shape=shape), target=target).predict

    return lambda images: compiled(images.shape[1:])(images)
