"""A phase of the training: the teacher's, or that of the students whom it teaches."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from model.console import console
from model.data.augment import for_full_frames
from model.data.batches import Batch, BatchLoader
from model.settings import TrainSettings
from model.training.optimizers import learning_rate
from scripts.gpu_training.learners import Learners
from scripts.gpu_training.mining import find_errors

EMA_DECAY = 0.999  # for each step
EMA_START = 20  # steps; the average spans fewer at first
MINING_SECONDS = 30.0  # between two searches for errors
LAST_STEP = 2**40  # of the batches, more than anybody makes


class Phase(NamedTuple):
    """Length and settings of a phase."""

    name: str
    seconds: float
    settings: TrainSettings
    judge: str  # the network whose errors say which frames are hard
    early: float  # fraction of the time in which false positives cost less


def train(learners: Learners, loader: BatchLoader, phase: Phase, save: Callable[[], None]) -> None:
    """Train until the time is over; `save` is called every half a minute and at the end.

    The schedule follows the clock: it ends when the time does, however fast the GPU is. Raises RuntimeError, instead of
    saving, if the training has diverged.
    """
    settings, optimizer = phase.settings, learners.optimizer
    batches, turn, step = _mixed_batches(loader, settings), 0, 0
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(phase.name, total=1.0)
        began = last_mined = time.monotonic()
        while (progress := (time.monotonic() - began) / phase.seconds) < 1:
            optimizer.rate.fill_(learning_rate(settings, progress))
            optimizer.ema_decay.fill_(min(EMA_DECAY, step / (step + EMA_START)))
            learners.false_positive.fill_(settings.loss.false_positive[progress >= phase.early])
            learners.train_on(*next(batches))
            step += 1
            if time.monotonic() - last_mined > MINING_SECONDS:
                learners.check_finite()
                loader.mine(turn, partial(find_errors, learners.averaged(phase.judge), loader.frames))
                turn, last_mined = turn + 1, time.monotonic()
                losses = "  ".join(f"{name} {loss:.4f}" for name, loss in learners.mean_losses().items())
                console.print(f"{phase.name}: step {step}  loss {losses}", markup=False)
                save()
            bar.update(task, completed=progress)
    learners.check_finite()
    save()


def _mixed_batches(loader: BatchLoader, settings: TrainSettings) -> Iterator[Batch]:
    """Yield batches of crops and, as often as the settings say, of full frames. Both are made ahead all the time."""
    crops = loader.batches(range(0, LAST_STEP, 2), settings.batch_size, settings.augmentation)
    whole = for_full_frames(settings.augmentation, loader.frames.size)
    full_frames = loader.batches(range(1, LAST_STEP, 2), settings.full_frame_batch_size, whole)
    random = np.random.default_rng(settings.seed)
    while True:
        yield next(full_frames if random.random() < settings.full_frame_fraction else crops)
