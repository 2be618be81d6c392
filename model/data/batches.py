"""Batches of training samples, made by worker processes. A batch depends on the seed, the step and the mistakes known.

That makes training resumable at any step, and the same for any number of workers.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from dataset.archives import DatasetError
from model.data.augment import Augmentation, augment
from model.data.packed_frames import Frames

Seed = int | tuple[int, ...]


@dataclass(frozen=True)
class Sampling:
    """Which frames are drawn: the shares of samples with a far hero, a near hero, people only, nobody."""

    far_hero: float = 0.22
    near_hero: float = 0.18
    people: float = 0.5
    nobody: float = 0.1
    balanced: bool = True  # false: frames as they come, whatever they show
    mistaken: float = 4.0  # how much more often a frame is drawn, among its kind, that the network gets wrong


class Batches:
    """Draws and augments batches in `workers` processes (0: in this one), a few ahead of their use."""

    def __init__(self, frames: Frames, sampling: Sampling, seed: int, workers: int = 0) -> None:
        self.frames = frames
        self._sampling, self._seed = sampling, seed
        self._ahead = 3 * workers
        self._pool = None
        self.attend(no_mistakes(frames))
        if workers:
            context = multiprocessing.get_context("spawn")  # a forked child of TensorFlow or JAX can hang
            self._pool = ProcessPoolExecutor(workers, context, initializer=_remember, initargs=(frames,))

    def attend(self, mistakes: np.ndarray) -> None:
        """From now on draws frames with a mistake more often, and aims at it; (n, 2) as `mining.find_mistakes` says."""
        self.mistakes = mistakes
        weights = np.where(mistakes[:, 0] >= 0, self._sampling.mistaken, 1.0) * self.frames.weights
        self._probabilities = draw_probabilities(self.frames, self._sampling, weights)

    def range(
        self, first: int, last: int, size: int, settings: Augmentation, share: Sequence[int] | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of steps first .. last - 1: (size, crop, crop, 3) uint8 images, (size, crop, crop) uint8 labels.

        Share: makes only these samples of each batch, all others are made elsewhere.
        """
        share = range(size) if share is None else share
        if self._pool is None:
            for step in range(first, last):
                yield make_batch(self.frames, *self._draw(step, size, share), settings)
            return
        waiting = deque()
        for step in range(first, last):
            waiting.append(self._pool.submit(_make_remembered, *self._draw(step, size, share), settings))
            if len(waiting) > self._ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _draw(self, step: int, size: int, share: Sequence[int]) -> tuple[np.ndarray, np.ndarray, list[Seed]]:
        random = np.random.default_rng([self._seed, step])
        chosen = random.choice(len(self.frames), size, p=self._probabilities)[share]
        # Of its own for each sample; from 1 on, because to NumPy a seed that ends in zeros is the seed without them.
        return chosen, self.mistakes[chosen], [(self._seed, step, 1 + number) for number in share]

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


def no_mistakes(frames: Frames) -> np.ndarray:
    """(n, 2) of a network of which none is known."""
    return np.full((len(frames), 2), -1, np.int16)


def make_batch(
    frames: Frames, chosen: np.ndarray, mistakes: np.ndarray, seeds: Sequence[Seed], settings: Augmentation
) -> tuple[np.ndarray, np.ndarray]:
    """The samples of the frames `chosen`: (size, crop, crop, 3) uint8 images and (size, crop, crop) uint8 labels.

    Mistakes: (size, 2) the pixel to aim at in each, negative where none is. Seeds: one for each sample.
    """
    samples = [
        augment(frames, index, settings, np.random.default_rng(seed), None if row < 0 else (int(row), int(column)))
        for index, (row, column), seed in zip(chosen, mistakes, seeds, strict=True)
    ]
    return np.stack([image for image, _ in samples]), np.stack([labels for _, labels in samples])


_remembered: tuple[Frames, ...] = ()


def _remember(frames: Frames) -> None:
    """Runs once in each worker process: keeps what every batch needs, and makes the process a polite one."""
    global _remembered
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its workers
    if hasattr(os, "nice"):
        os.nice(5)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _remembered = (frames,)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever: its queue has no other end that closes."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _make_remembered(*arguments):
    return make_batch(*_remembered, *arguments)
