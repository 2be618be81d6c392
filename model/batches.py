"""Batches of training samples, made by worker processes. The batch of a step depends on the seed and the step alone.

That makes training resumable at any step, and the same for any number of workers.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from model.augment import Augmentation, augment
from model.dataset import DatasetError
from model.frames import Frames


@dataclass(frozen=True)
class Sampling:
    """Which frames are drawn: the shares of samples with a far hero, a near hero, people only, nobody."""

    far_hero: float = 0.28
    near_hero: float = 0.2
    people: float = 0.44
    nobody: float = 0.08
    balanced: bool = True  # false: frames as they come, whatever they show


class Batches:
    """Draws and augments batches in `workers` processes (0: in this one), a few ahead of their use."""

    def __init__(self, frames: Frames, sampling: Sampling, weights: np.ndarray, seed: int, workers: int = 0) -> None:
        """Weights: (n,) how often a frame is drawn relative to others of its kind."""
        self.frame_size = frames.labels.shape[1]
        self._job = (frames, draw_probabilities(frames, sampling, weights), seed)
        self._ahead = 3 * workers
        self._pool = None
        if workers:
            context = multiprocessing.get_context("spawn")  # a forked child of TensorFlow or JAX can hang
            self._pool = ProcessPoolExecutor(workers, context, initializer=_remember, initargs=self._job)

    def range(
        self, first: int, last: int, size: int, settings: Augmentation
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of steps first .. last - 1: (size, crop, crop, 3) uint8 images, (size, crop, crop) uint8 labels."""
        if self._pool is None:
            for step in range(first, last):
                yield make_batch(*self._job, step, size, settings)
            return
        waiting = deque()
        for step in range(first, last):
            waiting.append(self._pool.submit(_make_remembered, step, size, settings))
            if len(waiting) > self._ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def close(self) -> None:
        """Ends the workers."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def draw_probabilities(frames: Frames, sampling: Sampling, weights: np.ndarray) -> np.ndarray:
    """(n,) the probability of each frame; kinds of frame that the set lacks leave their share to the others."""
    weights = np.where(np.isin(np.arange(len(frames)), frames.used), weights, 0.0)
    if sampling.balanced:
        shares = np.array([sampling.far_hero, sampling.near_hero, sampling.people, sampling.nobody])
        totals = np.bincount(frames.kind, weights, minlength=4)
        weights = weights * (shares / np.where(totals > 0, totals, 1))[frames.kind]
    if not weights.sum() > 0:
        raise DatasetError("no frame is left to train on: all have a weight or a share of 0, or were left out")
    return weights / weights.sum()


def make_batch(
    frames: Frames, probabilities: np.ndarray, seed: int, step: int, size: int, settings: Augmentation
) -> tuple[np.ndarray, np.ndarray]:
    """The batch of one step: (size, crop, crop, 3) uint8 images and (size, crop, crop) uint8 labels."""
    random = np.random.default_rng([seed, step])
    chosen = random.choice(len(frames), size, p=probabilities)
    samples = [augment(frames, index, settings, random) for index in chosen]
    return np.stack([image for image, _ in samples]), np.stack([labels for _, labels in samples])


_remembered: tuple = ()


def _remember(*job) -> None:
    """Runs once in each worker process: keeps what every batch needs, and makes the process a polite one."""
    global _remembered
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its workers
    if hasattr(os, "nice"):
        os.nice(5)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _remembered = job


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever: its queue has no other end that closes."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _make_remembered(step: int, size: int, settings: Augmentation):
    return make_batch(*_remembered, step, size, settings)
