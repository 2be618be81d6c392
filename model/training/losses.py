"""The loss and the training metric, for Keras: weighted cross-entropy plus soft Jaccard losses, per image."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from dataset.schema import CLASSES, HERO, PEOPLE, REFERENCE_SIZE, SIZE_BANDS
from model.score import intersection_over_union, predicted_mask, size_bands
from model.settings import LossSettings


def segmentation_loss(
    settings: LossSettings, pixels: int, late: bool = False
) -> Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]:
    """Return a loss of (n, rows, columns) class indices and (n, rows, columns, 3) probabilities; one value per image.

    With distillation the labels are (n, rows, columns, 3), as `distillation.add_soft_labels` makes them. The soft
    Jaccard index follows Rahman and Wang 2016, "Optimizing Intersection-Over-Union in Deep Neural Networks".

    `pixels` are those of a crop. The cross-entropy is divided by it in full frames, too, so that a far target, which
    has as many pixels there, keeps its weight. `late`: the training is past its early phase.
    """
    false_positive = settings.false_positive[late]
    weights = ops.convert_to_tensor(settings.class_weights, "float32")

    def loss(labels: keras.KerasTensor, probabilities: keras.KerasTensor) -> keras.KerasTensor:
        classes, soft_labels = _split_labels(labels)
        ground_truth = ops.one_hot(classes, len(CLASSES), dtype="float32")
        probabilities = ops.cast(probabilities, "float32")
        logs = ops.log(probabilities + 1e-6)
        entropy = -ops.sum(weights * ground_truth * logs, axis=-1)
        total = ops.sum(entropy, axis=(1, 2)) / pixels
        intersection = ops.sum(ground_truth * probabilities, axis=(1, 2))
        area, predicted_area = ops.sum(ground_truth, axis=(1, 2)), ops.sum(probabilities, axis=(1, 2))
        jaccard = 1 - (intersection + 1.0) / (area + predicted_area - intersection + 1.0)
        present = ops.cast(area > 0, "float32")
        total += settings.people_jaccard * present[:, PEOPLE] * jaccard[:, PEOPLE]
        total += settings.hero_jaccard * present[:, HERO] * jaccard[:, HERO]
        total += false_positive * (1 - present[:, HERO]) * ops.log1p(predicted_area[:, HERO]) / 5
        if soft_labels is None:
            return total
        # One weight for all classes of a pixel, so that the minimum is at the teachers' probabilities.
        entropy = -ops.sum(weights * soft_labels, axis=-1) * ops.sum(soft_labels * logs, axis=-1)
        distillation = ops.sum(entropy, axis=(1, 2)) / pixels
        return (1 - settings.distillation) * total + settings.distillation * distillation

    return loss


def _split_labels(labels: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor | None]:
    """Return (n, rows, columns) int32 class indices, and (n, rows, columns, 3) soft labels if there are any."""
    if len(labels.shape) == 3:
        return ops.cast(labels, "int32"), None
    soft = ops.cast(labels[..., 1:], "float32") / 255
    background = ops.relu(1 - ops.sum(soft, axis=-1, keepdims=True))
    return ops.cast(labels[..., 0], "int32"), ops.concatenate([background, soft], axis=-1)


class HeroIoU(keras.metrics.Metric):
    """Mean IoU of the hero over the images that show it, and by its size.

    `result` has the keys "hero_iou" and "hero_iou BAND" for each of `schema.SIZE_BANDS`, NaN without such images. Sizes
    are relative to the frames that the samples are taken from, of height and width `frame`.
    """

    def __init__(self, frame: int = REFERENCE_SIZE, name: str = "hero_iou", **options: Any) -> None:
        super().__init__(name=name, **options)
        self.frame = frame
        self.total = self.add_variable((len(SIZE_BANDS) + 1,), "zeros", name="total")
        self.count = self.add_variable((len(SIZE_BANDS) + 1,), "zeros", name="count")

    def update_state(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor, sample_weight: None = None
    ) -> None:
        """Count labels and probabilities as the loss takes them; weights of samples are ignored."""
        hero = ops.equal(_split_labels(labels)[0], HERO)
        iou = intersection_over_union(hero, predicted_mask(probabilities[..., HERO]), ops)
        area = ops.sum(ops.cast(hero, "float32"), axis=(1, 2))
        groups = [area > 0, *size_bands(area, (self.frame, self.frame))]
        counted = ops.cast(ops.stack(groups), "float32")  # (1 + bands, n)
        self.total.assign_add(ops.sum(counted * ops.cast(iou, "float32"), axis=1))
        self.count.assign_add(ops.sum(counted, axis=1))

    def result(self) -> dict[str, keras.KerasTensor]:
        """Return the means so far."""
        means = ops.where(self.count > 0, self.total / ops.maximum(self.count, 1.0), float("nan"))
        names = [self.name] + [f"{self.name} {band.name}" for band in SIZE_BANDS]
        return {name: means[index] for index, name in enumerate(names)}
