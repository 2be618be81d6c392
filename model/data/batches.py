"""Batches of training samples, made by worker processes.

A batch depends only on the seed, the step and the known hard examples: training can be resumed at any step, and is the
same with any number of workers.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from config.processes import when_parent_ends
from dataset.archives import DatasetError
from model.data.augment import augment
from model.data.packed_frames import PackedFrames
from model.data.prefetch import prefetch
from model.settings import AugmentationSettings, SamplingSettings

Batch = tuple[np.ndarray, np.ndarray]  # (n, rows, columns, 3) uint8 RGB, (n, rows, columns[, k]) uint8 labels

BATCHES_AHEAD = 3  # for each worker
MINING_PARTS = 4  # into which the frames are divided, one of which is searched for errors at a time
NICENESS = 5


class SampleRequest(NamedTuple):
    """What determines a sample: the frame, the pixel its crop is focused on (negative: none), and the seed."""

    row: int
    focus: tuple[int, int]
    seed: tuple[int, ...]


class BatchLoader:
    """Draws frames and makes samples of them in `workers` processes (0: in this one), a few batches ahead."""

    def __init__(self, frames: PackedFrames, sampling: SamplingSettings, seed: int, workers: int = 0) -> None:
        self.frames = frames
        self._sampling, self._seed, self._workers = sampling, seed, workers
        self._pool = None
        self.set_hard_examples(np.full((len(frames), 2), -1, np.int16))
        if workers:
            context = multiprocessing.get_context("spawn")  # a forked child of TensorFlow or JAX can hang
            self._pool = ProcessPoolExecutor(workers, context, initializer=_initialise_worker, initargs=(frames,))

    def set_hard_examples(self, error_pixels: np.ndarray) -> None:
        """Draw frames that have an error, (n, 2) as from `find_errors`, more often from now on, and focus on it."""
        self.error_pixels = error_pixels
        weights = np.where(error_pixels[:, 0] >= 0, self._sampling.hard_example_weight, 1.0) * self.frames.weights
        weights = np.where(self.frames.corrected, self._sampling.corrected_weight, 1.0) * weights
        self._probabilities = sampling_probabilities(self.frames, self._sampling, weights)

    def mine(self, turn: int, find_errors: Callable[[np.ndarray], np.ndarray]) -> None:
        """Search a part of the frames, another in each turn; `find_errors` returns (m, 2) of the frames (m,)."""
        rows, error_pixels = self.frames.usable[turn % MINING_PARTS :: MINING_PARTS], self.error_pixels.copy()
        error_pixels[rows] = find_errors(rows)
        self.set_hard_examples(error_pixels)

    def batches(
        self, steps: range, size: int, settings: AugmentationSettings, numbers: Sequence[int] | None = None
    ) -> Iterator[Batch]:
        """Yield the batch of each step: (size, rows, columns, 3) uint8 images, (size, rows, columns) uint8 labels.

        With `numbers`, only these samples of each; other processes make the rest.
        """
        numbers = range(size) if numbers is None else numbers
        requests = (self._draw(step, size, numbers) for step in steps)
        if self._pool is None:
            yield from (make_batch(self.frames, request, settings) for request in requests)
            return
        make = partial(_make_batch_in_worker, settings=settings)
        yield from prefetch(self._pool, make, requests, BATCHES_AHEAD * self._workers)

    def _draw(self, step: int, size: int, numbers: Sequence[int]) -> list[SampleRequest]:
        random = np.random.default_rng([self._seed, step])
        rows = random.choice(len(self.frames), size, p=self._probabilities)[numbers]
        focuses = self.error_pixels[rows].tolist()
        # A seed for each sample. Numbered from 1, because NumPy takes a seed that ends in zeros for the one without.
        return [
            SampleRequest(int(row), tuple(focus), (self._seed, step, 1 + number))
            for row, focus, number in zip(rows, focuses, numbers, strict=True)
        ]

    def close(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def sampling_probabilities(frames: PackedFrames, sampling: SamplingSettings, weights: np.ndarray) -> np.ndarray:
    """Return (n,) the probability of each frame; categories without frames leave their fraction to the others.

    Raises DatasetError if no frame can be drawn.
    """
    weights = np.where(np.isin(np.arange(len(frames)), frames.usable), weights, 0.0)
    groups = frames.categories if sampling.stratified else np.zeros(len(frames), int)
    alike = groups * (frames.folders.max(initial=0) + 1) + frames.folders
    counts = np.bincount(alike, weights > 0)[alike]
    weights = weights / np.maximum(counts, 1) ** sampling.folder_balance
    if sampling.stratified:
        fractions = np.array([sampling.far_hero, sampling.near_hero, sampling.people, sampling.background])
        totals = np.bincount(frames.categories, weights, minlength=len(fractions))
        weights = weights * (fractions / np.where(totals > 0, totals, 1))[frames.categories]
    if not weights.sum() > 0:
        raise DatasetError("no frame is left to train on: all are excluded, or have a weight or a fraction of 0")
    probabilities: np.ndarray = weights / weights.sum()
    return probabilities


def make_batch(frames: PackedFrames, requests: Iterable[SampleRequest], settings: AugmentationSettings) -> Batch:
    """Return the samples that are requested, stacked."""
    samples = [
        augment(frames, row, settings, np.random.default_rng(seed), focus if focus[0] >= 0 else None)
        for row, focus, seed in requests
    ]
    return np.stack([image for image, _ in samples]), np.stack([labels for _, labels in samples])


_worker_frames: PackedFrames  # of a worker process, so that they are sent once and not with each batch


def _initialise_worker(frames: PackedFrames) -> None:
    """Set up a worker process: low priority, one thread, ended by its parent alone."""
    global _worker_frames
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent ends its workers
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    when_parent_ends(lambda: os._exit(1))
    _worker_frames = frames


def _make_batch_in_worker(requests: list[SampleRequest], settings: AugmentationSettings) -> Batch:
    return make_batch(_worker_frames, requests, settings)
