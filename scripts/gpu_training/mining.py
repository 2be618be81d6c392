"""Errors of a network in the training frames, found on the GPU."""

import numpy as np
import torch

from dataset.schema import HERO, is_visible
from model.data.packed_frames import PackedFrames
from model.score import predicted_mask
from model.training.validation import MIN_IOU
from scripts.gpu_training.learners import Trained

BATCH = 192  # frames


def find_errors(trained: Trained, frames: PackedFrames, rows: np.ndarray) -> np.ndarray:
    """Return what `model.training.validation.find_errors` does, many times faster: (m, 2) int16 pixels, -1 for none."""
    errors = [np.empty((0, 2), np.int16)]
    for first in range(0, len(rows), BATCH):
        chosen = rows[first : first + BATCH]
        images, labels = torch.from_numpy(frames.images[chosen]), torch.from_numpy(np.asarray(frames.labels[chosen]))
        errors.append(_errors(trained, images, labels).cpu().numpy())
    return np.concatenate(errors)


def find_unlearnable(trained: Trained, frames: PackedFrames) -> np.ndarray:
    """Return the usable frames whose labelled target a network misses that has learnt from them.

    It is hidden, or wrongly labelled.
    """
    rows = frames.usable
    return rows[(find_errors(trained, frames, rows)[:, 0] >= 0) & is_visible(frames.areas[rows, HERO])]


def _errors(trained: Trained, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    probabilities = trained.probabilities(images.to(trained.device).permute(0, 3, 1, 2).float())
    target, predicted = labels.to(trained.device) == HERO, predicted_mask(probabilities[:, HERO])
    present, detected = (is_visible(each.sum((1, 2))) for each in (target, predicted))
    iou = (target & predicted).sum((1, 2)) / (target | predicted).sum((1, 2)).clamp(min=1)
    missed = present & (iou < MIN_IOU)
    false_positive = predicted & (detected & ~present)[:, None, None]
    wrong = torch.where(missed[:, None, None], target, false_positive).flatten(1)
    count = wrong.sum(1, keepdim=True)
    middle = (wrong & (wrong.cumsum(1) == count // 2 + 1)).float().argmax(1)
    pixels = torch.stack([middle // labels.shape[2], middle % labels.shape[2]], 1)
    return torch.where(count > 0, pixels, -1).to(torch.int16)
