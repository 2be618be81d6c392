"""The loss of `model.training.losses` in PyTorch, and a student's."""

import torch
import torch.nn.functional as F

from dataset.schema import CLASSES, HERO, PEOPLE
from model.settings import LossSettings

TEACHER_JACCARD = 0.4  # weight of the Jaccard loss between the teacher's target and the student's
VISIBLE = 2.0  # pixels of the teacher's target, from which it counts


def segmentation_loss(
    scores: torch.Tensor,
    labels: torch.Tensor,
    settings: LossSettings,
    pixels: int,
    class_weights: torch.Tensor,
    false_positive: torch.Tensor,
    teacher: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return (n,) the loss of each image.

    `scores` are (n, classes, rows, columns) logits, `labels` (n, rows, columns) uint8, `teacher` the probabilities to
    learn besides, in the shape of the scores; `pixels` are those of a crop. `class_weights` (classes,) and
    `false_positive` (), the weight of that term now, are tensors on the device: a CUDA graph copies nothing there.
    """
    weights = class_weights.view(1, len(CLASSES), 1, 1)
    truth = F.one_hot(labels.long(), len(CLASSES)).permute(0, 3, 1, 2).float()
    logs = torch.log_softmax(scores, 1)
    probabilities = logs.exp()
    total = -(weights * truth * logs).sum((1, 2, 3)) / pixels
    intersection, area = (truth * probabilities).sum((2, 3)), truth.sum((2, 3))
    predicted_area = probabilities.sum((2, 3))
    jaccard = 1 - (intersection + 1) / (area + predicted_area - intersection + 1)
    present = (area > 0).float()
    total = total + settings.people_jaccard * present[:, PEOPLE] * jaccard[:, PEOPLE]
    total = total + settings.hero_jaccard * present[:, HERO] * jaccard[:, HERO]
    total = total + false_positive * (1 - present[:, HERO]) * torch.log1p(predicted_area[:, HERO]) / 5
    if teacher is None:
        return total
    entropy = -(weights * teacher).sum(1) * (teacher * logs).sum(1)
    taught = entropy.sum((1, 2)) / pixels + TEACHER_JACCARD * _soft_jaccard(teacher[:, HERO], probabilities[:, HERO])
    return (1 - settings.distillation) * total + settings.distillation * taught


def teach(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return what a student learns of a teacher's (n, classes, rows, columns) probabilities.

    Where an image has no pixel of the target, the teacher's target is removed: that it is absent is known for certain.
    """
    shows_target = (labels == HERO).flatten(1).any(1).float()
    keep = torch.ones(probabilities.shape[:2], device=probabilities.device)
    keep[:, HERO] = shows_target
    kept = probabilities * keep[:, :, None, None]
    return kept / kept.sum(1, keepdim=True)


def _soft_jaccard(expected: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
    """Return (n,) the Jaccard metric loss of soft masks (n, rows, columns), 0 where the expected one is invisible.

    Wang, Ning and Blaschko 2023, "Jaccard Metric Losses: Optimizing the Jaccard Index with Soft Labels".
    """
    difference = (expected - predicted).abs().sum((1, 2))
    both = (expected + predicted).sum((1, 2))
    loss = 1 - (both - difference + 1) / (both + difference + 1)
    return (expected.sum((1, 2)) > VISIBLE).float() * loss
