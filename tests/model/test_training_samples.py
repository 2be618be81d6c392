"""Frames packed for training, the batches drawn from them, and what augmentation may and may not do."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dataset.masks import labels_of_mask
from dataset.pairs import find_pairs, read_pair
from model.data.augment import Augmentation, augment
from model.data.batches import Batches, Sampling, draw_probabilities, no_mistakes
from model.data.packed_frames import pack
from tests.model.labelled_frames import COLOURS, draw_labels, paint, write_dataset, write_frame

PLAIN = Augmentation(
    crop=64,
    zoom_share=0,
    swap_share=0,
    paste_hero_share=0,
    paste_people_share=0,
    recolour_share=0,
    marker_share=0,
    darken=0,
    brighten=0,
    contrast=0,
    saturation=0,
    tint=0,
    camera_quality=0,
    noise_share=0,
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = write_dataset(tmp_path_factory.mktemp("data"), 12)
    pairs = find_pairs(folder)[0]
    return pairs, pack(pairs, tmp_path_factory.mktemp("cache"))


def test_packed_frames_are_the_files(dataset):
    pairs, frames = dataset
    for index in (0, 7):
        image, mask = read_pair(pairs[index])
        np.testing.assert_array_equal(frames.images[index], image)
        np.testing.assert_array_equal(frames.labels[index], labels_of_mask(mask))
        assert frames.areas[index].tolist() == np.bincount(labels_of_mask(mask).ravel(), minlength=3).tolist()


def test_packing_again_reads_nothing(dataset):
    pairs, frames = dataset

    def refuse(_):
        raise AssertionError("read again")

    assert len(pack(pairs, frames.folder.parent, progress=refuse)) == len(pairs)


def test_a_frame_of_another_size_than_the_others_is_named(tmp_path):
    for number, size in enumerate((64, 64, 128)):
        labels = draw_labels(np.random.default_rng(0), size)
        write_frame(tmp_path, f"a_cam1_{number}.png", f"a_mask_{number}.png", paint(labels), labels)
    problems = pack(find_pairs(tmp_path)[0], tmp_path / "cache").problems
    assert list(problems) == [2]
    assert re.search(r"a_cam1_2\.png.*128x128.*64x64", str(problems[2]))


def test_frames_are_scaled_for_networks_of_another_size(dataset, tmp_path):
    pairs, frames = dataset
    scaled = pack(pairs[:2], tmp_path, size=64)
    assert scaled.images.shape == (2, 64, 64, 3)
    # Frames are flat colour, so a scaled pixel away from edges keeps it, and a class keeps its share.
    assert scaled.areas[1] / 64**2 == pytest.approx(frames.areas[1] / 256**2, abs=0.02)


@pytest.mark.parametrize("size", [96, 160, 224])
def test_scaled_labels_lie_where_the_scaled_picture_has_them(dataset, tmp_path, size):
    pairs, _ = dataset
    frames = pack(pairs, tmp_path / "cache", size=size)
    offsets = [
        np.subtract(centre(frames.labels[index] == 2), centre(redness(frames.images[index])))
        for index in np.flatnonzero(frames.areas[:, 2] > 50)
    ]
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.2


@pytest.mark.parametrize("zoom", [0.7, 1.3])
def test_zoomed_labels_lie_where_the_zoomed_picture_has_them(dataset, zoom):
    _, frames = dataset
    zoomed = replace(PLAIN, crop=128, flip_share=0, zoom_share=1.0, zoom_range=(zoom, zoom), focus_share=1.0)
    offsets = []
    for index in np.flatnonzero(frames.areas[:, 2] > 200):
        for seed in range(10):
            image, labels = augment(frames, index, zoomed, np.random.default_rng(seed))
            if (labels == 2).sum() > 50:
                offsets.append(np.subtract(centre(labels == 2), centre(redness(image))))
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.2


def redness(image):
    """(rows, cols): how red, from that of grass (0) to that of the hero (1)."""
    red = (image[..., 0].astype(float) - image[..., 1] - (90 - 140)) / (170 - (90 - 140))
    return np.where(red > 0.15, red, 0)


def centre(weights):
    """The mean row and column."""
    rows, columns = np.indices(weights.shape)
    return (weights * rows).sum() / weights.sum(), (weights * columns).sum() / weights.sum()


def test_without_changes_a_sample_is_a_piece_of_its_frame(dataset):
    _, frames = dataset
    random = np.random.default_rng(3)
    for index in range(6):
        image, labels = augment(frames, index, PLAIN, random)
        assert image.shape == (64, 64, 3)
        # Colours tell the class in these frames, so picture and labels must still agree after crop and flip.
        nearest = np.argmin([np.abs(image.astype(int) - colour).sum(axis=2) for colour in COLOURS.values()], axis=0)
        assert (nearest == labels).mean() > 0.97


def test_pasting_adds_a_hero_where_there_is_none(dataset):
    _, frames = dataset
    always = replace(PLAIN, crop=256, paste_hero_share=1.0)
    random = np.random.default_rng(4)
    alone = np.flatnonzero(frames.areas[:, 2] == 0)
    added = [augment(frames, index, always, random) for index in alone for _ in range(3)]
    with_hero = [(image, labels) for image, labels in added if (labels == 2).any()]
    assert len(with_hero) >= 0.8 * len(added)
    for image, labels in with_hero:
        red, green, _ = image[labels == 2].astype(float).mean(axis=0)
        assert red > 2 * green


@pytest.mark.parametrize(
    "change",
    [
        {"crop": 256, "paste_hero_share": 1.0},
        {"crop": 256, "swap_share": 1.0, "recolour_share": 1.0},
        {"crop": 128, "zoom_share": 1.0, "zoom_range": (2.0, 2.0)},
    ],
)
def test_what_is_changed_looks_as_the_camera_compresses_it(dataset, change):
    _, frames = dataset
    plain, compressed = (
        [
            augment(frames, index, replace(PLAIN, flip_share=0, camera_quality=quality, **change), seeded(index))[0]
            for index in range(len(frames))
        ]
        for quality in (0, 75)
    )
    lost = np.zeros(2)
    for index, samples in enumerate(zip(plain, compressed, strict=True)):
        changed = np.ones(samples[0].shape, bool)
        if samples[0].shape == frames.images[index].shape:
            changed = samples[0] != frames.images[index]
        # What has come out of a JPEG loses hardly anything in another one on the same grid.
        lost += [np.abs(camera(image) - image.astype(float))[changed].sum() for image in samples]
    assert lost[0] > 0
    assert lost[1] < 0.5 * lost[0]


def seeded(seed):
    return np.random.default_rng(seed)


def camera(image):
    """(rows, cols, 3) as QuadSim sends it."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=75, subsampling="4:2:0")
    return np.asarray(Image.open(file))


def test_crops_keep_to_the_grid_of_the_camera(dataset):
    _, frames = dataset
    settings = replace(PLAIN, crop=64, flip_share=0, camera_quality=75)
    for seed in range(20):
        image, _ = augment(frames, 1, settings, np.random.default_rng(seed))
        pieces = [
            frames.images[1][top : top + 64, left : left + 64]
            for top in range(0, 193, 16)
            for left in range(0, 193, 16)
        ]
        assert any(np.array_equal(image, piece) for piece in pieces)


def test_a_swap_puts_somebody_else_in_the_same_place(dataset):
    _, frames = dataset
    always = replace(PLAIN, crop=256, flip_share=0, swap_share=1.0)
    became = []
    for index in range(len(frames)):
        old = np.array(frames.labels[index])
        for seed in range(6):
            image, labels = augment(frames, index, always, np.random.default_rng(seed))
            changed = np.argwhere(labels != old)
            if not changed.size:  # somebody of the same class and shape, or nobody who is small enough
                continue
            (_, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
            assert any(
                row[3] - 8 <= left and right <= row[5] + 8 and abs(row[4] - 1 - bottom) <= row[4] - row[2]
                for row in frames.instances_of(index)
            )
            red, green, blue = (image[..., channel].astype(int) for channel in range(3))
            left_by_somebody = (labels == 0) & (old != 0)
            if left_by_somebody.sum() > 20:  # grass now
                assert (green > np.maximum(red, blue))[left_by_somebody].mean() > 0.9
            for kind, most in ((1, blue), (2, red)):
                new = (labels == kind) & (old != kind)
                if new.sum() > 20:
                    assert (most > 1.3 * green)[new].mean() > 0.9
                    became.append(kind)
    assert set(became) == {1, 2}


@pytest.mark.parametrize("ratio", [0.7, 1.0])
def test_who_is_swapped_is_as_bright_as_in_that_light(dataset, ratio):
    _, frames = dataset
    always = replace(PLAIN, crop=256, flip_share=0, swap_share=1.0, hero_brightness=ratio)
    found = {1: [], 2: []}
    for index in range(len(frames)):
        old = np.array(frames.labels[index])
        for seed in range(20):
            image, labels = augment(frames, index, always, np.random.default_rng(seed))
            for kind in found:
                new = (labels == kind) & (old == 3 - kind)
                if new.sum() > 20:
                    found[kind].append(image[new].mean() / np.mean(COLOURS[3 - kind]))
    assert np.median(found[2]) == pytest.approx(ratio, rel=0.12)  # heroes in the place of people
    assert np.median(found[1]) == pytest.approx(1 / ratio, rel=0.12)


def test_people_are_copied_as_often_as_their_frames_are_drawn(dataset):
    _, frames = dataset
    weights = np.ones(len(frames))
    weights[::2] = 0.25
    bodies = replace(frames, weights=tuple(weights)).copyable[1]
    table, random = frames.instances, np.random.default_rng(6)
    least, most = np.percentile(bodies.heights, [20, 80])
    drawn = table[[bodies.draw(least, most, random) for _ in range(8000)]]
    heights = drawn[:, 4] - drawn[:, 2]
    assert least <= heights.min()
    assert heights.max() < most
    fitting = table[bodies.rows]
    fitting = fitting[(fitting[:, 4] - fitting[:, 2] >= least) & (fitting[:, 4] - fitting[:, 2] < most)]
    expected = np.bincount(fitting[:, 0], weights[fitting[:, 0]], minlength=len(frames))
    counts = np.bincount(drawn[:, 0], minlength=len(frames))
    np.testing.assert_allclose(counts / counts.sum(), expected / expected.sum(), atol=0.02)
    assert bodies.draw(bodies.heights.max() + 1, np.inf, random) is None


def test_a_frame_at_half_its_size_shows_the_same_at_half_its_size(dataset):
    _, frames = dataset
    half = replace(PLAIN, crop=128, flip_share=0, zoom_share=1.0, zoom_range=(2.0, 2.0))
    for index in range(6):
        for seed in range(3):
            image, labels = augment(frames, index, half, np.random.default_rng(seed))
            middle = np.array(frames.labels[index])[1::2, 1::2]
            assert (labels == middle).mean() > 0.99
            nearest = np.argmin([np.abs(image.astype(int) - colour).sum(axis=2) for colour in COLOURS.values()], axis=0)
            assert (nearest == labels).mean() > 0.99


def test_recolouring_changes_people_and_leaves_the_hero(dataset):
    _, frames = dataset
    always = replace(PLAIN, crop=256, recolour_share=1.0)
    changed = 0
    for seed in range(8):
        image, labels = augment(frames, 1, always, np.random.default_rng(seed))
        original, old = np.array(frames.images[1]), np.array(frames.labels[1])
        if not (labels == old).all():
            original, old = original[:, ::-1], old[:, ::-1]
        np.testing.assert_array_equal(image[old != 1], original[old != 1])
        changed += (image[old == 1] != original[old == 1]).any()
    assert changed >= 4


def test_markers_tint_the_picture_and_leave_the_labels(dataset):
    _, frames = dataset
    always = replace(PLAIN, crop=256, marker_share=1.0)
    for index in (1, 2):
        image, labels = augment(frames, index, always, np.random.default_rng(index))
        original, old = np.array(frames.images[index]), np.array(frames.labels[index])
        if not (labels == old).all():
            original, old = original[:, ::-1], old[:, ::-1]
        np.testing.assert_array_equal(labels, old)
        tinted = (image != original).any(axis=2)
        assert 0 < tinted.mean() < 0.9
        blue = image[tinted].astype(int)[:, 2] - original[tinted].astype(int)[:, 2]
        assert (blue >= 0).mean() > 0.9


def test_a_batch_depends_on_seed_and_step_only(dataset):
    _, frames = dataset
    settings = Augmentation(crop=64)
    alone = list(Batches(frames, Sampling(), seed=5).range(2, 5, 4, settings))
    workers = Batches(frames, Sampling(), seed=5, workers=2)
    try:
        shared_out = list(workers.range(2, 5, 4, settings))
    finally:
        workers.close()
    for (images, labels), (other_images, other_labels) in zip(alone, shared_out, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


def test_parts_of_a_batch_made_apart_are_that_batch(dataset):
    _, frames = dataset
    batches = Batches(frames, Sampling(), seed=5)
    settings = Augmentation(crop=64)
    ((whole, labels),) = batches.range(2, 3, 6, settings)
    for share in ([0, 2, 4], [1, 3, 5]):
        ((images, parts),) = batches.range(2, 3, 6, settings, share)
        np.testing.assert_array_equal(images, whole[share])
        np.testing.assert_array_equal(parts, labels[share])
    assert (whole[0] != whole[1]).any()


def test_kinds_of_frames_get_their_shares(dataset):
    _, frames = dataset
    weights = np.ones(len(frames))
    probabilities = draw_probabilities(frames, Sampling(far_hero=0, near_hero=0.75, people=0.25, nobody=0), weights)
    near = frames.areas[:, 2] >= 50
    assert probabilities[near].sum() == pytest.approx(0.75)
    weights[np.flatnonzero(near)[0]] = 3
    weighted = draw_probabilities(frames, Sampling(), weights)
    first, second = weighted[np.flatnonzero(near)[:2]]
    assert first == pytest.approx(3 * second)


def test_frames_with_a_mistake_are_drawn_more_often_and_aimed_at(dataset):
    _, frames = dataset
    batches = Batches(frames, Sampling(mistaken=5.0), seed=1)
    first, second = np.flatnonzero(frames.areas[:, 2] >= 50)[:2]
    mistakes = no_mistakes(frames)
    mistakes[first] = 3, 250  # a corner that nobody is in
    batches.attend(mistakes)
    chosen = np.concatenate([batches._draw(step, 100, range(100))[0] for step in range(40)])
    assert (chosen == first).sum() / (chosen == second).sum() == pytest.approx(5.0, rel=0.5)
    aimed = replace(PLAIN, crop=64, focus_share=1.0)
    corner = frames.images[first][3, 250]
    for seed in range(10):
        image, _ = augment(frames, first, aimed, np.random.default_rng(seed), aim=(3, 250))
        assert (image == corner).all(axis=2).any()
