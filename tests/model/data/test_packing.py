"""Packed frames are the files, decoded, scaled and checked."""

import errno
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dataset.pairs import read_pair
from model.data.packing import pack
from tests.model.labelled_frames import draw_labels, find_frames, hero_offset, paint, write_dataset, write_frame


def test_packed_frames_are_the_files(dataset):
    pairs, frames = dataset
    for row in (0, 7):
        image, labels = read_pair(pairs[row])
        np.testing.assert_array_equal(frames.images[row], image)
        np.testing.assert_array_equal(frames.labels[row], labels)
        assert frames.areas[row].tolist() == np.bincount(labels.ravel(), minlength=3).tolist()


def test_packing_again_reads_nothing(dataset):
    pairs, frames = dataset

    def refuse(_):
        raise AssertionError("read again")

    assert len(pack(frames.sources, frames.folder.parent, progress=refuse)) == len(pairs)


def test_an_archive_that_was_copied_is_not_packed_again_but_one_with_another_mask_is(tmp_path):
    def archive(name: str, seed: int) -> Path:
        folder = write_dataset(tmp_path / f"frames{seed}", 3, size=64, seed=seed)
        path = tmp_path / name / "frames.zip"
        path.parent.mkdir()
        with zipfile.ZipFile(path, "w") as packed:
            for file in sorted(folder.rglob("*_*")):
                packed.write(file, file.relative_to(folder))
        return path

    def packed(path: Path) -> Path:
        return pack(find_frames(path), tmp_path / "cache").folder

    first = archive("one", 0)
    copy = tmp_path / "elsewhere" / "frames.zip"
    copy.parent.mkdir()
    copy.write_bytes(first.read_bytes())
    os.utime(copy, (1, 1))
    assert packed(first) == packed(copy)
    assert packed(first) != packed(archive("two", 1))


def test_a_frame_of_another_size_than_the_others_is_named(tmp_path):
    for number, size in enumerate((64, 64, 128)):
        labels = draw_labels(np.random.default_rng(0), size)
        write_frame(tmp_path, f"a_cam1_{number}.png", f"a_mask_{number}.png", paint(labels), labels)
    problems = pack(find_frames(tmp_path), tmp_path / "cache").problems
    assert list(problems) == [2]
    assert re.search(r"a_cam1_2\.png.*128x128.*64x64", str(problems[2]))


def test_frames_are_scaled_for_networks_of_another_size(dataset, tmp_path):
    _, frames = dataset
    scaled = pack(frames.sources[:2], tmp_path, size=64)
    assert scaled.images.shape == (2, 64, 64, 3)
    # Frames are flat colour, so a scaled pixel away from edges keeps it, and a class keeps its fraction.
    assert scaled.areas[1] / 64**2 == pytest.approx(frames.areas[1] / 256**2, abs=0.02)


@pytest.mark.parametrize("size", [96, 160, 224])
def test_scaled_labels_stay_aligned_with_the_scaled_picture(dataset, tmp_path, size):
    _, frames = dataset
    frames = pack(frames.sources, tmp_path / "cache", size=size)
    shown = np.flatnonzero(frames.areas[:, 2] > 50)
    offsets = [hero_offset(frames.images[row], frames.labels[row]) for row in shown]
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.2


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve disk space")
def test_a_full_disk_is_reported_before_frames_are_written(tmp_path, monkeypatch):
    folder = write_dataset(tmp_path / "train", 3, size=32)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"make room, or choose another place with --cache: .*cache"):
        pack(find_frames(folder), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_repaired_mask_is_read_again(tmp_path):
    folder = write_dataset(tmp_path / "train", 2, size=64)
    mask = folder / "masks" / "run_1_mask_00001.png"
    good = mask.read_bytes()
    mask.write_bytes(b"")
    assert pack(find_frames(folder), tmp_path / "cache", 64).problems.keys() == {1}
    mask.write_bytes(good)
    assert pack(find_frames(folder), tmp_path / "cache", 64).problems == {}


def test_a_frame_that_stays_unreadable_costs_no_second_packing(tmp_path):
    folder, packings = write_dataset(tmp_path / "train", 2, size=64), []
    (folder / "images" / "run_1_cam1_00001.jpeg").write_bytes(b"damaged")
    for _ in range(2):
        frames = pack(find_frames(folder), tmp_path / "cache", 64, lambda pairs: packings.append(pairs) or pairs)
        assert frames.problems.keys() == {1}
    assert len(packings) == 1


def test_a_whole_copy_of_an_archive_that_was_damaged_is_read_again(tmp_path):
    """Their lists of files, with size and checksum of each, are the same."""
    folder, path, damaged = write_dataset(tmp_path / "train", 2, size=64), tmp_path / "a.zip", tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(folder.rglob("*_*")):
            packed.write(file, file.relative_to(folder))
    picture = (folder / "images" / "run_1_cam1_00001.jpeg").read_bytes()
    damaged.write_bytes(path.read_bytes().replace(picture, bytes(len(picture))))
    assert pack(find_frames(damaged), tmp_path / "cache", 64).problems.keys() == {1}
    assert pack(find_frames(path), tmp_path / "cache", 64).problems == {}


def test_frames_whose_colours_mean_other_classes_are_read_again(tmp_path):
    """A class that the masks do not show shifts the numbers of the others."""
    folder = tmp_path / "street"
    labels = np.zeros((64, 64), np.uint8)
    labels[20:40, 20:40] = 2
    write_frame(folder, "a_cam1_0.png", "a_mask_0.png", paint(labels), labels)
    areas = []
    for sky in ("", "sky = []\n"):
        (folder / "classes.toml").write_text(f'[classes]\n{sky}road = "#ff0000"\ncar = "#0000ff"\n')
        areas.append(pack(find_frames(folder), tmp_path / "cache", 64).areas[0].tolist())
    assert areas[1] == [0, *areas[0]]


def test_people_are_found_once_their_target_is_named(tmp_path):
    folder = write_dataset(tmp_path / "train", 3)
    people = []
    for target in ("", 'target = "hero"\n'):
        text = f'{target}[classes]\nbackground = "#ff0000"\npeople = "#00ff00"\nhero = "#0000ff"\n'
        (folder / "classes.toml").write_text(text)
        people.append(pack(find_frames(folder), tmp_path / "cache").people)
    assert [len(found) > 0 for found in people] == [False, True]
