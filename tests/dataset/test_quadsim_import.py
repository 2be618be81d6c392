"""Import of QuadSim's own recordings: masks equal the original project's, broken frames are reported and left out."""

import shutil
import zipfile
from pathlib import PurePath

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.__main__ import main
from dataset.archives import DatasetError
from dataset.checks import check_pairs
from dataset.pairs import find_pairs, read_pair
from dataset.quadsim_import import find_raw_recordings, labels_of_depths, read_frame
from dataset.recordings.recording import open_recording
from dataset.recordings.writer import RecordingWriter


@pytest.fixture(scope="session")
def raw(shared, tmp_path_factory):
    """The raw recording of the shared files, unpacked: run1/IMG and expected/."""
    folder = tmp_path_factory.mktemp("raw")
    with zipfile.ZipFile(shared / "data" / "raw_recording.zip") as archive:
        archive.extractall(folder)
    (images,) = folder.rglob("IMG")
    (expected,) = folder.rglob("expected")
    return images, expected


@pytest.fixture
def recording(tmp_path):
    """Three frames as QuadSim writes them: background on the left, people in the middle, the target on the right."""
    folder = tmp_path / "IMG"
    folder.mkdir()
    near, far = np.uint8(40), np.uint8(255)
    left, middle, right = np.zeros((3, 8, 9), bool)
    left[:, :5], middle[:, 5:7], right[:, 7:] = True, True, True
    for number in range(3):
        colour = np.random.default_rng(number).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"cam1_{number:05d}.png"), colour)
        for camera, part in ((2, middle), (3, right), (4, left)):
            depth = np.where(part, near, far)
            cv2.imwrite(str(folder / f"cam{camera}_{number:05d}.png"), np.repeat(depth[..., None], 3, axis=2))
    return folder


@pytest.mark.slow
def test_masks_equal_the_original_ones(raw, tmp_path):
    images, expected = raw
    assert main(["import", str(images), str(tmp_path / "imported")]) == 0
    theirs = sorted((expected / "masks").iterdir())
    ours = sorted((tmp_path / "imported" / "masks").iterdir())
    assert len(theirs) == len(ours) == 116
    for their_file, our_file in zip(theirs, ours, strict=True):
        assert their_file.stem.endswith(our_file.stem)
        theirs_read, ours_read = (cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in (their_file, our_file))
        np.testing.assert_array_equal(ours_read, theirs_read)
    for file in images.glob("cam1_*.png"):
        assert (tmp_path / "imported" / "images" / file.name[5:]).read_bytes() == file.read_bytes()


def test_import_is_a_dataset_and_a_recording(recording, tmp_path):
    assert main(["import", str(recording.parent), str(tmp_path / "recordings" / "first")]) == 0  # the parent of IMG
    pairs, problems = find_pairs(tmp_path / "recordings")
    assert [pair.name for pair in pairs] == ["00000", "00001", "00002"]
    assert not problems
    assert not check_pairs(pairs)
    image, labels = read_pair(pairs[1])
    np.testing.assert_array_equal(image[..., ::-1], cv2.imread(str(recording / "cam1_00001.png")))
    background, people, hero = [0] * 5, [1] * 2, [2] * 2
    np.testing.assert_array_equal(labels, [background + people + hero] * 8)
    recording = open_recording(tmp_path / "recordings" / "first")
    assert recording.state == "finished"
    assert [frame.hero_pixels for frame in recording.frames] == [16, 16, 16]
    assert {frame.label_source for frame in recording.frames} == {"simulator"}


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_nearest_camera_determines_the_class(depths):
    people, hero, environment = depths
    order = [(environment - 1) % 256, people, hero]
    expected = order.index(min(order))
    labels = labels_of_depths(*(np.full((1, 1), depth, np.uint8) for depth in depths))
    assert labels.tolist() == [[expected]]


@pytest.mark.parametrize("channels", [3, 4])
def test_red_channel_is_the_depth_if_channels_differ(recording, channels):
    for camera in (2, 3, 4):
        file = str(recording / f"cam{camera}_00001.png")
        pixels = np.full((8, 9, channels), 7 * camera, np.uint8)  # blue, green and alpha: the people nearest everywhere
        pixels[..., 2] = cv2.imread(file)[..., 2]
        cv2.imwrite(file, pixels)
    _, labels = read_frame(find_raw_recordings(recording)[PurePath()]["00001"])
    np.testing.assert_array_equal(labels, [[0] * 5 + [1] * 2 + [2] * 2] * 8)


def damage(file, how):
    data = file.read_bytes()
    if how == "missing":
        file.unlink()
    elif how == "truncated":
        file.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "flipped":
        file.write_bytes(data[:60] + bytes([data[60] ^ 255]) + data[61:])
    elif how == "text":
        file.write_bytes(b"this is no image")
    elif how == "size":
        cv2.imwrite(str(file), np.zeros((4, 4, 3), np.uint8))
    elif how == "16 bits":
        cv2.imwrite(str(file), np.zeros((8, 9, 3), np.uint16))


@pytest.mark.parametrize("how", ["missing", "truncated", "empty", "flipped", "text", "size", "16 bits"])
@pytest.mark.parametrize("camera", [1, 3])
def test_frame_with_an_invalid_file_is_reported_and_left_out(recording, tmp_path, capsys, how, camera):
    damage(recording / f"cam{camera}_00001.png", how)
    assert main(["import", str(recording), str(tmp_path / "imported")]) == 0
    out = capsys.readouterr().out
    assert "left out: frame 00001" in out
    assert f"cam{camera}" in out
    pairs, problems = find_pairs(tmp_path / "imported")
    assert [pair.name for pair in pairs] == ["00000", "00002"]  # no other label shifts
    assert not problems
    assert open_recording(tmp_path / "imported").meta["left_out"]


def test_nothing_is_overwritten_and_nothing_empty_is_made(recording, tmp_path, capsys):
    (tmp_path / "imported").mkdir()
    assert main(["import", str(recording), str(tmp_path / "imported")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "imported"), str(tmp_path / "other")]) == 2
    assert "cam1_00000.png" in capsys.readouterr().err
    archive = shutil.make_archive(str(tmp_path / "raw"), "zip", recording)
    assert main(["import", archive, str(tmp_path / "other")]) == 2
    assert "raw.zip is none; unpack it first" in capsys.readouterr().err
    for file in recording.glob("cam4*"):
        file.unlink()
    assert main(["import", str(recording), str(tmp_path / "other")]) == 2
    assert f"none of the 3 frames in {recording} is complete" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(("ended_by", "status"), [(KeyboardInterrupt(), 130), (OSError("the disk is full"), 2)])
def test_aborted_import_leaves_nothing_behind(recording, tmp_path, monkeypatch, capsys, ended_by, status):
    add = RecordingWriter.add

    def ends(self, record, *files):
        if record.frame == "00002":
            raise ended_by
        add(self, record, *files)

    with monkeypatch.context() as patched:
        patched.setattr(RecordingWriter, "add", ends)
        assert main(["import", str(recording), str(tmp_path / "recordings" / "first")]) == status
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not list((tmp_path / "recordings").iterdir())
    assert main(["import", str(recording), str(tmp_path / "recordings" / "first")]) == 0
    assert len(open_recording(tmp_path / "recordings" / "first").frames) == 3


def test_other_files_are_ignored(recording):
    shutil.copy(recording / "cam1_00000.png", recording / "thumbnail.png")
    (recording / "cam5_00000.png").write_bytes(b"")
    frames = find_raw_recordings(recording)[PurePath()]
    assert list(frames) == ["00000", "00001", "00002"]
    image, labels = read_frame(frames["00000"])
    assert image == (recording / "cam1_00000.png").read_bytes()
    assert labels.shape == (8, 9)


@pytest.fixture
def tree(recording, tmp_path):
    """Runs as the project of 2017 kept them."""
    root = tmp_path / "raw_sim_data"
    for run in ("train/run1", "train/run_99", "train/My run", "train/My-run", "validation/run1"):
        shutil.copytree(recording, root / run / "IMG")
    (root / "test").mkdir()
    return root


def test_a_tree_is_imported_and_keeps_train_and_validation_apart(tree, tmp_path, capsys):
    out = tmp_path / "recordings" / "quadsim"
    assert main(["import", str(tree), str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"python -m model.train --data {out / 'train'} --validation {out / 'validation'}" in printed
    names = {path.parent.relative_to(out).as_posix() for path in out.rglob("meta.json")}
    assert names == {"train/run1", "train/run_99", "train/My-run", "train/My-run-2", "validation/run1"}
    for part, count in (("train", 12), ("validation", 3)):
        pairs, problems = find_pairs(out / part)
        assert len(pairs) == count
        assert problems == []
    assert {pair.recording for pair in pairs} == {"validation/run1"}
    assert open_recording(out / "train" / "run_99").meta["simulator"]["imported_from"] == "raw_sim_data/train/run_99"


def test_an_import_goes_on_where_an_earlier_one_ended(tree, recording, tmp_path, capsys):
    out = tmp_path / "quadsim"
    assert main(["import", str(tree), str(out)]) == 0
    shutil.copytree(recording, tree / "train" / "run3" / "IMG")
    capsys.readouterr()
    assert main(["import", str(tree), str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("exists already: left as it is") == 5
    assert f"{out / 'train' / 'run3'}: 3 frames" in printed


def test_folders_in_brackets_are_shown_as_they_are(recording, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # progress is shown in terminals only
    for run in ("run [red]", "[/red]"):
        shutil.copytree(recording, tmp_path / "raw" / run / "IMG")
    assert main(["import", str(tmp_path / "raw"), str(tmp_path / "imported")]) == 0
    printed = capsys.readouterr().out
    assert "importing run [red]" in printed
    assert "importing [/red]" in printed


def test_a_run_without_complete_frames_does_not_stop_the_others(tree, tmp_path, capsys):
    for file in (tree / "train" / "run1" / "IMG").glob("cam4*"):
        file.unlink()
    assert main(["import", str(tree), str(tmp_path / "quadsim")]) == 2
    assert f"none of the 3 frames in {tree / 'train' / 'run1'} is complete" in capsys.readouterr().err
    assert len(list((tmp_path / "quadsim").rglob("meta.json"))) == 4


def test_a_training_on_raw_recordings_says_how_to_import_them(tree):
    with pytest.raises(DatasetError, match="raw recordings of QuadSim") as error:
        find_pairs(tree)
    assert f"python -m dataset import {tree} recordings/NAME" in str(error.value)
