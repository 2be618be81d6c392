"""What augmentation may and may not do to a frame."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dataset.jpeg import decode_jpeg
from model.data.augment import augment
from model.data.packing import pack
from model.settings import AugmentationSettings
from tests.model.labelled_frames import COLOURS, find_frames, hero_offset
from tests.model.own_classes import IGNORED, PAINT, write_dataset
from tests.model.own_classes import SIZE as WIDE

PLAIN = AugmentationSettings(
    crop=64,
    zoom_probability=0,
    identity_swap_probability=0,
    paste_hero_probability=0,
    paste_people_probability=0,
    recolour_probability=0,
    darken=0,
    brighten=0,
    contrast=0,
    saturation=0,
    tint=0,
    jpeg_quality=0,
    noise_probability=0,
)


@pytest.mark.parametrize("zoom", [0.7, 1.3])
def test_zoomed_labels_stay_aligned_with_the_zoomed_picture(dataset, zoom):
    _, frames = dataset
    zoomed = replace(
        PLAIN, crop=128, flip_probability=0, zoom_probability=1.0, zoom_range=(zoom, zoom), focus_probability=1.0
    )
    offsets = []
    for index in np.flatnonzero(frames.areas[:, 2] > 200):
        for seed in range(10):
            image, labels = augment(frames, index, zoomed, np.random.default_rng(seed))
            if (labels == 2).sum() > 50:
                offsets.append(hero_offset(image, labels))
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.2


def test_without_changes_a_sample_is_a_crop_of_its_frame(dataset):
    _, frames = dataset
    random = np.random.default_rng(3)
    for index in range(6):
        image, labels = augment(frames, index, PLAIN, random)
        assert image.shape == (64, 64, 3)
        # Colours tell the class in these frames, so picture and labels must still agree after crop and flip.
        nearest = np.argmin([np.abs(image.astype(int) - colour).sum(axis=2) for colour in COLOURS.values()], axis=0)
        assert (nearest == labels).mean() > 0.97


def test_focused_crops_contain_the_pixel(dataset):
    _, frames = dataset
    settings, colour = replace(PLAIN, focus_probability=1.0), frames.images[1][3, 250]  # of a corner without people
    for seed in range(10):
        image, _ = augment(frames, 1, settings, np.random.default_rng(seed), focus=(3, 250))
        assert (image == colour).all(axis=2).any()


def test_pasting_adds_a_hero_where_there_is_none(dataset):
    _, frames = dataset
    always = replace(PLAIN, crop=256, paste_hero_probability=1.0)
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
        {"crop": 256, "paste_hero_probability": 1.0},
        {"crop": 256, "identity_swap_probability": 1.0, "recolour_probability": 1.0},
        {"crop": 128, "zoom_probability": 1.0, "zoom_range": (2.0, 2.0)},
    ],
)
def test_changed_pixels_are_compressed_as_by_the_camera(dataset, change):
    _, frames = dataset
    plain, compressed = (
        [
            augment(frames, index, replace(PLAIN, flip_probability=0, jpeg_quality=quality, **change), seeded(index))[0]
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
    return decode_jpeg(file.getvalue())


def test_crops_stay_on_the_grid_of_the_camera(dataset):
    _, frames = dataset
    settings = replace(PLAIN, crop=64, flip_probability=0, jpeg_quality=75)
    for seed in range(20):
        image, _ = augment(frames, 1, settings, np.random.default_rng(seed))
        pieces = [
            frames.images[1][top : top + 64, left : left + 64]
            for top in range(0, 193, 16)
            for left in range(0, 193, 16)
        ]
        assert any(np.array_equal(image, piece) for piece in pieces)


def test_an_identity_swap_puts_another_person_in_the_same_place(dataset):
    _, frames = dataset
    always = replace(PLAIN, crop=256, flip_probability=0, identity_swap_probability=1.0)
    became = []
    for index in range(len(frames)):
        old = np.array(frames.labels[index])
        for seed in range(6):
            image, labels = augment(frames, index, always, np.random.default_rng(seed))
            changed = np.argwhere(labels != old)
            if not changed.size:  # another person of the same class and shape, or none who is small enough
                continue
            (_, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
            assert any(
                each.left - 8 <= left and right <= each.right + 8 and abs(each.bottom - 1 - bottom) <= each.height
                for each in frames.people_in(index)
            )
            red, green, blue = (image[..., channel].astype(int) for channel in range(3))
            vacated = (labels == 0) & (old != 0)
            if vacated.sum() > 20:  # grass is inpainted
                assert (green > np.maximum(red, blue))[vacated].mean() > 0.9
            for label, strongest in ((1, blue), (2, red)):
                new = (labels == label) & (old != label)
                if new.sum() > 20:
                    assert (strongest > 1.3 * green)[new].mean() > 0.9
                    became.append(label)
    assert set(became) == {1, 2}


@pytest.mark.parametrize("ratio", [0.7, 1.0])
def test_swapped_people_are_as_bright_as_others_in_that_light(dataset, ratio):
    _, frames = dataset
    always = replace(PLAIN, crop=256, flip_probability=0, identity_swap_probability=1.0, hero_brightness=ratio)
    found = {1: [], 2: []}
    for index in range(len(frames)):
        old = np.array(frames.labels[index])
        for seed in range(20):
            image, labels = augment(frames, index, always, np.random.default_rng(seed))
            for label in found:
                new = (labels == label) & (old == 3 - label)
                if new.sum() > 20:
                    found[label].append(image[new].mean() / np.mean(COLOURS[3 - label]))
    assert np.median(found[2]) == pytest.approx(ratio, rel=0.12)  # heroes in place of people
    assert np.median(found[1]) == pytest.approx(1 / ratio, rel=0.12)


def test_a_frame_at_half_its_size_shows_the_same_at_half_its_size(dataset):
    _, frames = dataset
    half = replace(PLAIN, crop=128, flip_probability=0, zoom_probability=1.0, zoom_range=(2.0, 2.0))
    for index in range(6):
        for seed in range(3):
            image, labels = augment(frames, index, half, np.random.default_rng(seed))
            middle = np.array(frames.labels[index])[1::2, 1::2]
            assert (labels == middle).mean() > 0.99
            nearest = np.argmin([np.abs(image.astype(int) - colour).sum(axis=2) for colour in COLOURS.values()], axis=0)
            assert (nearest == labels).mean() > 0.99


def test_recolouring_changes_people_and_leaves_the_hero(dataset):
    _, frames = dataset
    always = replace(PLAIN, crop=256, recolour_probability=1.0)
    changed = 0
    for seed in range(8):
        image, labels = augment(frames, 1, always, np.random.default_rng(seed))
        original, old = np.array(frames.images[1]), np.array(frames.labels[1])
        if not (labels == old).all():
            original, old = original[:, ::-1], old[:, ::-1]
        np.testing.assert_array_equal(image[old != 1], original[old != 1])
        changed += (image[old == 1] != original[old == 1]).any()
    assert changed >= 4


@pytest.mark.parametrize("zoom", [0.7, 1.0, 1.4])
def test_wide_samples_of_own_classes_show_what_their_labels_say(tmp_path, zoom):
    frames = pack(find_frames(write_dataset(tmp_path / "road", 4)), tmp_path / "cache", WIDE)
    wide = replace(PLAIN, crop=(32, 56), zoom_probability=1.0, zoom_range=(zoom, zoom), jpeg_quality=0)
    for row, random in ((row, np.random.default_rng(seed)) for row in range(4) for seed in range(5)):
        image, labels = augment(frames, row, wide, random)
        assert image.shape == (32, 56, 3)
        nearest = np.argmin([np.abs(image.astype(int) - colour).sum(axis=2) for colour in PAINT], axis=0)
        counted = labels != IGNORED
        assert (nearest == labels)[counted].mean() > 0.9  # but for the edges of what is resized
        assert set(np.unique(labels)) <= {0, 1, 2, 3, IGNORED}
