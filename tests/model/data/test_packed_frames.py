"""Packed frames: donors, and copies for other processes."""

import pickle
from dataclasses import replace

import numpy as np


def test_donors_are_drawn_as_often_as_their_frames(dataset):
    _, frames = dataset
    weights = np.ones(len(frames))
    weights[::2] = 0.25
    sources = tuple(replace(each, weight=weight) for each, weight in zip(frames.sources, weights, strict=True))
    donors = replace(frames, sources=sources).donors[1]
    table, random = frames.people, np.random.default_rng(6)
    lowest, highest = np.percentile(donors.heights, [20, 80])
    drawn = table[[donors.draw(lowest, highest, random) for _ in range(8000)]]
    heights = drawn[:, 4] - drawn[:, 2]
    assert lowest <= heights.min()
    assert heights.max() < highest
    fitting = table[donors.rows]
    fitting = fitting[(fitting[:, 4] - fitting[:, 2] >= lowest) & (fitting[:, 4] - fitting[:, 2] < highest)]
    expected = np.bincount(fitting[:, 0], weights[fitting[:, 0]], minlength=len(frames))
    counts = np.bincount(drawn[:, 0], minlength=len(frames))
    np.testing.assert_allclose(counts / counts.sum(), expected / expected.sum(), atol=0.02)
    assert donors.draw(donors.heights.max() + 1, np.inf, random) is None


def test_another_process_maps_the_files_itself(dataset):
    frames = dataset[1]
    before = len(pickle.dumps(frames))
    copy = pickle.loads(pickle.dumps(frames))
    np.testing.assert_array_equal(copy.labels[0], frames.labels[0])
    np.testing.assert_array_equal(copy.images[0], frames.images[0])
    assert len(pickle.dumps(frames)) == before < frames.labels[0].nbytes
