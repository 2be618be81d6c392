"""Trainings that have failed: by their numbers, which are infinite or NaN, by a collapse, or with their runtime."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from model.inference.runtime_failures import cause, failures
from model.training.run_folder import RunFolder

COLLAPSED_EPOCHS = 3  # without a single correct pixel of the hero
LEARNED_IOU = 0.1  # of the hero, of a network that has begun to find it


def check_finite(loss: float, network: keras.Model, epochs: int, advice: str) -> None:
    """Raise RuntimeError if the loss of an epoch, or the weights after it, are infinite or NaN.

    `epochs` are those before it, whose files stay as they are.
    """
    if np.isfinite(loss) and all(np.isfinite(weight).all() for weight in network.get_weights()):
        return
    written = "the files are those of the epoch before" if epochs else "no model was written"
    raise RuntimeError(
        f"training diverged: in epoch {epochs + 1} the loss or weights became infinite or NaN; {written}. {advice}"
    )


def check_collapse(hero_ious: Sequence[float], advice: str) -> None:
    """Raise RuntimeError if a network predicts the same for all frames, which too large steps can lead to.

    `hero_ious` are of the samples of each epoch.
    """
    if any(iou > LEARNED_IOU for iou in hero_ious) and not any(hero_ious[-COLLAPSED_EPOCHS:]):
        raise RuntimeError(
            f"training collapsed: the network found no pixel of the hero in {COLLAPSED_EPOCHS} epochs, and it did"
            f" before. {advice}"
        )


@contextmanager
def one_line_failures() -> Iterator[None]:
    """Raise RuntimeError, with a message of one line, for what the runtime raises in the block."""
    try:
        yield
    except RuntimeError:
        raise
    except failures() as error:
        raise RuntimeError(
            f"training failed: {cause(error)}. If this is for lack of memory, set a smaller batch_size or"
            " full_frame_batch_size (--settings)"
        ) from error


def advice(learning_rate: float, run: RunFolder) -> str:
    """Return what to do about a training of this learning rate that has failed."""
    start = f", from its best model so far: --init {run.best}" if run.best.exists() else ""
    lower = f"(with --init: fine_tuning_learning_rate) lower than {learning_rate:g}"
    return f"Train again with a learning_rate {lower}{start}"
