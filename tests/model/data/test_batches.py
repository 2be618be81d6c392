"""Batches are reproducible, and frames are drawn as often as sampling says."""

import os
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataset.archives import DatasetError
from model.data.batches import BatchLoader, SampleRequest, make_batch, sampling_probabilities
from model.data.packing import pack
from model.settings import AugmentationSettings, SamplingSettings
from tests.model.labelled_frames import find_frames, write_dataset

ROOT = Path(__file__).resolve().parents[3]
CROPS = AugmentationSettings(crop=64)


@pytest.mark.slow
def test_a_batch_depends_on_seed_and_step_only(dataset):
    _, frames = dataset
    alone = list(BatchLoader(frames, SamplingSettings(), seed=5).batches(range(2, 5), 4, CROPS))
    with closing(BatchLoader(frames, SamplingSettings(), seed=5, workers=2)) as loader:
        with_workers = list(loader.batches(range(2, 5), 4, CROPS))
    for (images, labels), (other_images, other_labels) in zip(alone, with_workers, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


def test_parts_of_a_batch_made_separately_are_that_batch(dataset):
    _, frames = dataset
    loader = BatchLoader(frames, SamplingSettings(), seed=5)
    ((images, labels),) = loader.batches(range(2, 3), 6, CROPS)
    for numbers in ([0, 2, 4], [1, 3, 5]):
        ((some_images, some_labels),) = loader.batches(range(2, 3), 6, CROPS, numbers)
        np.testing.assert_array_equal(some_images, images[numbers])
        np.testing.assert_array_equal(some_labels, labels[numbers])
    assert (images[0] != images[1]).any()


def test_each_category_gets_its_fraction_of_the_samples(dataset):
    _, frames = dataset
    weights = np.ones(len(frames))
    fractions = SamplingSettings(far_hero=0, near_hero=0.75, people=0.25, background=0)
    probabilities = sampling_probabilities(frames, fractions, weights)
    near = frames.areas[:, 2] >= 50
    assert probabilities[near].sum() == pytest.approx(0.75)
    weights[np.flatnonzero(near)[0]] = 3
    weighted = sampling_probabilities(frames, SamplingSettings(), weights)
    first, second = weighted[np.flatnonzero(near)[:2]]
    assert first == pytest.approx(3 * second)


@pytest.mark.parametrize(("balance", "ratio"), [(0.0, 16), (0.5, 4), (1.0, 1)])
@pytest.mark.parametrize("stratified", [True, False])
def test_a_folder_with_many_frames_drowns_no_other(tmp_path, balance, ratio, stratified):
    write_dataset(tmp_path / "data" / "large", 48, size=32)
    write_dataset(tmp_path / "data" / "small", 3, size=32)
    frames = pack(find_frames(tmp_path / "data"), tmp_path / "cache", 32)
    sampling = SamplingSettings(stratified=stratified, folder_balance=balance)
    probabilities = sampling_probabilities(frames, sampling, frames.weights)
    of_large = np.array(["large" in str(each.pair.mask.path) for each in frames.sources])
    for category in set(frames.categories[~of_large]) if stratified else {None}:
        within = np.ones(len(frames), bool) if category is None else frames.categories == category
        large, small = probabilities[within & of_large].sum(), probabilities[within & ~of_large].sum()
        assert large / small == pytest.approx(ratio)


def test_hard_examples_are_drawn_more_often_and_focused_on(dataset):
    _, frames = dataset
    loader = BatchLoader(frames, SamplingSettings(hard_example_weight=5.0), seed=1)
    hard, easy = np.flatnonzero(frames.areas[:, 2] >= 50)[:2]
    errors = np.full((len(frames), 2), -1, np.int16)
    errors[hard] = 3, 250
    loader.set_hard_examples(errors)
    drawn = [request for step in range(40) for request in loader._draw(step, 100, range(100))]
    counts = np.bincount([request.row for request in drawn], minlength=len(frames))
    assert counts[hard] / counts[easy] == pytest.approx(5.0, rel=0.5)
    assert {request.focus for request in drawn if request.row == hard} == {(3, 250)}
    assert {request.focus for request in drawn if request.row != hard} == {(-1, -1)}


def test_frames_that_a_person_corrected_are_drawn_more_often(dataset):
    _, frames = dataset
    corrected, other = np.flatnonzero(frames.areas[:, 2] >= 50)[:2]
    sources = [
        replace(each, pair=replace(each.pair, corrected=row == corrected)) for row, each in enumerate(frames.sources)
    ]
    loader = BatchLoader(replace(frames, sources=tuple(sources)), SamplingSettings(corrected_weight=5.0), seed=1)
    drawn = [request.row for step in range(40) for request in loader._draw(step, 100, range(100))]
    assert drawn.count(corrected) / drawn.count(other) == pytest.approx(5.0, rel=0.5)


def test_excluded_frames_are_not_drawn_and_donate_no_people(tmp_path):
    frames = pack(find_frames(write_dataset(tmp_path / "train", 8)), tmp_path / "cache", 64)
    one = replace(frames, excluded=frozenset(range(1, 8)))
    probabilities = sampling_probabilities(one, SamplingSettings(), np.ones(8))
    assert probabilities.tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    # Frame 0 has no hero, and all others must not donate theirs.
    settings = AugmentationSettings(crop=64, paste_hero_probability=1.0)
    _, labels = make_batch(one, [SampleRequest(0, (-1, -1), (seed,)) for seed in range(8)], settings)
    assert not (labels == 2).any()
    with pytest.raises(DatasetError, match="no frame is left"):
        sampling_probabilities(replace(frames, excluded=frozenset(range(8))), SamplingSettings(), np.ones(8))


ORPHAN = """
import sys, time
from pathlib import Path
from model.data.batches import BatchLoader
from model.data.packing import pack
from model.data.sources import collect
from model.settings import AugmentationSettings, SamplingSettings
if __name__ == "__main__":
    frames = pack(collect(sys.argv[1:2]).train, Path(sys.argv[2]))
    loader = BatchLoader(frames, SamplingSettings(), 1, workers=1)
    next(loader.batches(range(9), 2, AugmentationSettings(crop=64)))
    print(*loader._pool._processes, flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
def test_workers_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    call = [sys.executable, script, write_dataset(tmp_path / "data", 6), tmp_path / "cache"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(list(map(str, call)), cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        worker = int(process.stdout.readline())
        os.kill(worker, 0)
        process.kill()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the worker still runs without its parent")
