"""The loss and the training metric, for Keras: weighted cross-entropy plus soft Jaccard losses, per image."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from dataset.schema import DEFAULT_CLASSES, HERO, IGNORED, REFERENCE_SIZE, SIZE_BANDS, Classes
from model.score import intersection_over_union, predicted_mask, size_bands
from model.settings import LossSettings, Size, shape_of


def segmentation_loss(
    settings: LossSettings,
    pixels: int,
    late: bool = False,
    classes: Classes = DEFAULT_CLASSES,
    has_ignored: bool = False,
) -> Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]:
    """Return a loss of (n, rows, columns) labels and (n, rows, columns, classes) probabilities; one value per image.

    With distillation the labels are (n, rows, columns, classes), as `distillation.add_soft_labels` makes them. The soft
    Jaccard index follows Rahman and Wang 2016, "Optimizing Intersection-Over-Union in Deep Neural Networks".

    `pixels` are those of a crop. The cross-entropy is divided by it in full frames, too, so that a far target, which
    has as many pixels there, keeps its weight. `late`: the training is past its early phase. Labels may be IGNORED only
    if `has_ignored`. Raises ConfigError for settings that do not fit the classes.
    """
    false_positive, target = settings.false_positive[late], classes.target
    weights = ops.convert_to_tensor(settings.entropy_weights(classes), "float32")
    jaccard_weights = settings.jaccard_weights(classes)

    def loss(labels: keras.KerasTensor, probabilities: keras.KerasTensor) -> keras.KerasTensor:
        indices, soft_labels = _split_labels(labels)
        probabilities = ops.cast(probabilities, "float32")
        logs = ops.log(probabilities + 1e-6)
        if has_ignored:
            counted = ops.not_equal(indices, IGNORED)[..., None]
            indices = ops.where(counted[..., 0], indices, 0)
            logs, probabilities = (ops.where(counted, each, 0.0) for each in (logs, probabilities))
        ground_truth = ops.one_hot(indices, len(classes), dtype="float32")
        if has_ignored:
            ground_truth = ops.where(counted, ground_truth, 0.0)
        entropy = -ops.sum(weights * ground_truth * logs, axis=-1)
        total = ops.sum(entropy, axis=(1, 2)) / pixels
        intersection = ops.sum(ground_truth * probabilities, axis=(1, 2))
        area, predicted_area = ops.sum(ground_truth, axis=(1, 2)), ops.sum(probabilities, axis=(1, 2))
        jaccard = 1 - (intersection + 1.0) / (area + predicted_area - intersection + 1.0)
        present = ops.cast(area > 0, "float32")
        for label, weight in jaccard_weights.items():
            total += weight * present[:, label] * jaccard[:, label]
        if target is not None:
            total += false_positive * (1 - present[:, target]) * ops.log1p(predicted_area[:, target]) / 5
        if soft_labels is None:
            return total
        # One weight for all classes of a pixel, so that the minimum is at the teachers' probabilities.
        entropy = -ops.sum(weights * soft_labels, axis=-1) * ops.sum(soft_labels * logs, axis=-1)
        distillation = ops.sum(entropy, axis=(1, 2)) / pixels
        return (1 - settings.distillation) * total + settings.distillation * distillation

    return loss


def _split_labels(labels: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor | None]:
    """Return (n, rows, columns) int32 class indices, and (n, rows, columns, classes) soft labels if there are any."""
    if len(labels.shape) == 3:
        return ops.cast(labels, "int32"), None
    soft = ops.cast(labels[..., 1:], "float32") / 255
    background = ops.relu(1 - ops.sum(soft, axis=-1, keepdims=True))
    return ops.cast(labels[..., 0], "int32"), ops.concatenate([background, soft], axis=-1)


class TargetIoU(keras.metrics.Metric):
    """Mean IoU of the target over the images that show it, and by its size.

    `result` has the keys NAME and "NAME BAND" for each of `schema.SIZE_BANDS`, NaN without such images. Sizes are
    relative to the frames that the samples are taken from, of the size `frame`.
    """

    def __init__(
        self, frame: Size = REFERENCE_SIZE, target: int = HERO, name: str = "hero_iou", **options: Any
    ) -> None:
        super().__init__(name=name, **options)
        self.frame, self.target = shape_of(frame), target
        self.total = self.add_variable((len(SIZE_BANDS) + 1,), "zeros", name="total")
        self.count = self.add_variable((len(SIZE_BANDS) + 1,), "zeros", name="count")

    def update_state(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor, sample_weight: None = None
    ) -> None:
        """Count labels and probabilities as the loss takes them; weights of samples are ignored."""
        labels, _ = _split_labels(labels)
        target = ops.equal(labels, self.target)
        found = ops.logical_and(predicted_mask(probabilities[..., self.target]), ops.not_equal(labels, IGNORED))
        iou = intersection_over_union(target, found, ops)
        area = ops.sum(ops.cast(target, "float32"), axis=(1, 2))
        groups = [area > 0, *size_bands(area, self.frame)]
        counted = ops.cast(ops.stack(groups), "float32")  # (1 + bands, n)
        self.total.assign_add(ops.sum(counted * ops.cast(iou, "float32"), axis=1))
        self.count.assign_add(ops.sum(counted, axis=1))

    def result(self) -> dict[str, keras.KerasTensor]:
        """Return the means so far."""
        means = ops.where(self.count > 0, self.total / ops.maximum(self.count, 1.0), float("nan"))
        names = [self.name] + [f"{self.name} {band.name}" for band in SIZE_BANDS]
        return {name: means[index] for index, name in enumerate(names)}


class MeanIoU(keras.metrics.Metric):
    """Mean over the classes of the IoU of all pixels, without ignored ones; classes that no image shows count as 0."""

    def __init__(self, classes: int, name: str = "mean_iou", **options: Any) -> None:
        super().__init__(name=name, **options)
        self.classes = classes
        self.intersection = self.add_variable((classes,), "zeros", name="intersection")
        self.union = self.add_variable((classes,), "zeros", name="union")

    def update_state(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor, sample_weight: None = None
    ) -> None:
        """Count labels and probabilities as the loss takes them; weights of samples are ignored."""
        labels, _ = _split_labels(labels)
        numbers = ops.arange(self.classes, dtype="int32")
        truth = ops.equal(labels[..., None], numbers)
        found = ops.equal(ops.cast(ops.argmax(probabilities, axis=-1), "int32")[..., None], numbers)
        found = ops.logical_and(found, ops.not_equal(labels, IGNORED)[..., None])
        for total, pixels in (
            (self.intersection, ops.logical_and(truth, found)),
            (self.union, ops.logical_or(truth, found)),
        ):
            total.assign_add(ops.sum(ops.cast(pixels, "float32"), axis=(0, 1, 2)))

    def result(self) -> keras.KerasTensor:
        """Return the mean so far."""
        return ops.mean(self.intersection / ops.maximum(self.union, 1.0))


def training_metrics(classes: Classes, frame: Size) -> list[keras.metrics.Metric]:
    """Return the figures of training samples taken from frames of this size: the target's IoU, else that of all."""
    if classes.target is None:
        return [MeanIoU(len(classes))]
    return [TargetIoU(frame, classes.target, headline(classes))]


def headline(classes: Classes) -> str:
    """Return the name of the figure that stands for a training's success."""
    return f"{classes.target_name}_iou" if classes.target_name else "mean_iou"
