"""What training minimises: weighted cross-entropy plus the soft Jaccard index of the hero and of people, per image."""

import keras
from keras import ops

from dataset.schema import CLASSES, SIZE_BANDS
from model.training.settings import LossSettings


def segmentation_loss(settings: LossSettings, pixels: int, late: bool = False):
    """A Keras loss over (n, rows, cols) class indices and (n, rows, cols, 3) probabilities; one value per image.

    Pixels: of an ordinary sample, by which the cross-entropy is divided. In a larger sample a far hero weighs as much
    as in an ordinary one then, and does not drown. Late: past the first third of the training. With teachers, labels
    are as `teachers.teach` gives them.

    Soft Jaccard as in Rahman and Wang, 2016, "Optimizing Intersection-Over-Union in Deep Neural Networks".
    """
    false_hero = settings.false_hero[late]
    weights = ops.convert_to_tensor(settings.class_weights, "float32")

    def loss(labels, probabilities):
        classes, seen = _parts(labels)
        truth = ops.one_hot(classes, len(CLASSES), dtype="float32")
        probabilities = ops.cast(probabilities, "float32")
        logs = ops.log(probabilities + 1e-6)
        entropy = -ops.sum(weights * truth * logs, axis=-1)
        total = ops.sum(entropy, axis=(1, 2)) / pixels
        shared = ops.sum(truth * probabilities, axis=(1, 2))
        true_area, area = ops.sum(truth, axis=(1, 2)), ops.sum(probabilities, axis=(1, 2))
        jaccard = 1 - (shared + 1.0) / (true_area + area - shared + 1.0)
        present = ops.cast(true_area > 0, "float32")
        total += settings.people_jaccard * present[:, 1] * jaccard[:, 1]
        total += settings.hero_jaccard * present[:, 2] * jaccard[:, 2]
        total += false_hero * (1 - present[:, 2]) * ops.log1p(area[:, 2]) / 5
        if seen is None:
            return total
        # One weight for all classes of a pixel: what is nearest to the teachers is the teachers.
        entropy = -ops.sum(weights * seen, axis=-1) * ops.sum(seen * logs, axis=-1)
        return (1 - settings.teachers) * total + settings.teachers * ops.sum(entropy, axis=(1, 2)) / pixels

    return loss


def _parts(labels):
    """(n, rows, cols) int32 classes, and (n, rows, cols, 3) what teachers see, or None where there are none."""
    if len(labels.shape) == 3:
        return ops.cast(labels, "int32"), None
    seen = ops.cast(labels[..., 1:], "float32") / 255
    background = ops.relu(1 - ops.sum(seen, axis=-1, keepdims=True))
    return ops.cast(labels[..., 0], "int32"), ops.concatenate([background, seen], axis=-1)


class HeroIoU(keras.metrics.Metric):
    """The hero's IoU at threshold 0.5, as the score counts it: mean over images with a hero, and by her size.

    `result` has the keys "hero_iou" and "hero_iou BAND" for each of `schema.SIZE_BANDS`, NaN where no image
    of that kind came. A band's bounds are for frames of 256x256; `frame` is the side of those that samples are cut of.
    """

    def __init__(self, frame: int = 256, name: str = "hero_iou", **options):
        super().__init__(name=name, **options)
        self.frame = frame
        self.total = self.add_variable((len(SIZE_BANDS) + 1,), "zeros", name="total")
        self.count = self.add_variable((len(SIZE_BANDS) + 1,), "zeros", name="count")

    def update_state(self, labels, probabilities, sample_weight=None):
        """Labels: (n, rows, cols) class indices; probabilities: (n, rows, cols, 3)."""
        truth = ops.cast(ops.equal(_parts(labels)[0], 2), "float32")
        found = ops.cast(probabilities[..., 2] > 0.5, "float32")
        shared, area = ops.sum(truth * found, axis=(1, 2)), ops.sum(truth, axis=(1, 2))
        iou = shared / ops.maximum(area + ops.sum(found, axis=(1, 2)) - shared, 1.0)
        size = area * (256 / self.frame) ** 2
        bands = [area > 0] + [band.contains(size) for band in SIZE_BANDS]
        counted = ops.cast(ops.stack(bands), "float32")  # (1 + bands, n)
        self.total.assign_add(ops.sum(counted * iou, axis=1))
        self.count.assign_add(ops.sum(counted, axis=1))

    def result(self) -> dict:
        """The means so far."""
        means = ops.where(self.count > 0, self.total / ops.maximum(self.count, 1.0), float("nan"))
        names = [self.name] + [f"{self.name} {band.name}" for band in SIZE_BANDS]
        return {name: means[index] for index, name in enumerate(names)}
