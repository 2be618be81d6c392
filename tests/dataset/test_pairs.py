import os
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dataset.archives import DatasetError
from dataset.checks import check_pairs
from dataset.pairs import find_pairs, read_pair, recorded_by
from dataset.recordings.frame_record import FrameRecord
from tests.model.labelled_frames import draw_labels, paint, write_dataset, write_frame


@pytest.fixture
def frame():
    labels = draw_labels(np.random.default_rng(1), 32)
    return paint(labels), labels


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("0_run6_cam1_00000_data_pack2.jpeg", "0_run6_mask_00000_data_pack2.png"),
        ("2_run2cam1_05421.jpeg", "2_run2_mask_05421.png"),
        ("2_run2cam1_05421.jpeg", "2_run2mask_05421.png"),
        ("0_run1cam1_00005.jpeg", "0__mask_00005.png"),
        ("000017.jpeg", "000017.png"),
    ],
)
def test_official_and_own_names_are_paired(tmp_path, frame, image, mask):
    write_frame(tmp_path, image, mask, *frame)
    pairs, problems = find_pairs(tmp_path)
    assert problems == []
    assert [(pair.image.path.name, pair.mask.path.name) for pair in pairs] == [(image, mask)]


def test_missing_mask_is_reported_and_no_other_label_shifts(tmp_path):
    write_dataset(tmp_path, 6, size=32)
    (tmp_path / "masks" / "run_1_mask_00002.png").unlink()
    pairs, problems = find_pairs(tmp_path)
    assert [pair.image.path.name[-10:-5] for pair in pairs] == ["00000", "00001", "00003", "00004", "00005"]
    assert all(pair.image.path.stem[-5:] == pair.mask.path.stem[-5:] for pair in pairs)
    assert [problem.kind for problem in problems] == ["no mask"]
    assert "run_1_cam1_00002.jpeg" in str(problems[0])


def test_masks_without_a_run_are_not_assigned_between_two_runs(tmp_path, frame):
    for run in (1, 2):
        write_frame(tmp_path, f"0_run{run}cam1_00005.jpeg", "0__mask_00005.png", *frame)
    pairs, problems = find_pairs(tmp_path)
    assert pairs == []
    assert sorted(problem.kind for problem in problems) == ["no image", "no mask", "no mask"]


def test_frames_are_of_the_folder_that_they_lie_in_however_it_is_named(tmp_path, frame, monkeypatch):
    write_frame(tmp_path / "flight.1", "000001.png", "000001.png", *frame)
    (tmp_path / "flight.1" / "below").mkdir()

    def named(source: str | Path) -> list[str]:
        pairs = find_pairs(source)[0]
        return [pair.recording for pair in pairs] + recorded_by(pairs, Path(source))

    assert named(tmp_path / "flight.1") == ["flight.1"] * 2
    monkeypatch.chdir(tmp_path / "flight.1")
    assert named(".") == ["flight.1"] * 2
    monkeypatch.chdir("below")
    assert named("..") == ["flight.1"] * 2
    assert named(shutil.make_archive(str(tmp_path / "flight.2"), "zip", tmp_path / "flight.1")) == ["flight.2"] * 2


def test_zip_reads_like_its_folder(tmp_path):
    folder = write_dataset(tmp_path / "runs" / "run_1", 4, size=32)
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "runs")
    in_folder, in_zip = find_pairs(tmp_path / "runs")[0], find_pairs(archive)[0]
    assert [pair.name for pair in in_zip] == [pair.name for pair in in_folder]
    for one, other in zip(in_folder, in_zip, strict=True):
        np.testing.assert_equal(read_pair(one), read_pair(other))
    assert folder.is_dir()


def test_zip_with_backslashes_reads_like_any(tmp_path):
    write_dataset(tmp_path / "train", 3, size=32)
    with zipfile.ZipFile(tmp_path / "windows.zip", "w") as archive:
        for file in (tmp_path / "train").rglob("*.*"):
            entry = zipfile.ZipInfo("x")
            entry.filename = str(file.relative_to(tmp_path)).replace(
                "/", "\\"
            )  # the constructor would replace it elsewhere
            archive.writestr(entry, file.read_bytes())
    pairs, problems = find_pairs(tmp_path / "windows.zip")
    assert problems == []
    assert [pair.recording for pair in pairs] == ["windows/train/run_1"] * 3
    for one, other in zip(pairs, find_pairs(tmp_path / "train")[0], strict=True):
        assert (one.name, one.image.name) == (other.name, other.image.name)
        np.testing.assert_equal(read_pair(one), read_pair(other))


def test_hidden_frames_are_left_out(tmp_path):
    write_dataset(tmp_path, 4, size=32)
    (tmp_path / "hidden.txt").write_text("run_1_00001 run_1_00003\n")
    assert [pair.name for pair in find_pairs(tmp_path)[0]] == ["run_1_00000", "run_1_00002"]


def test_empty_source_is_reported_and_hides_no_other_problem(tmp_path):
    for role in ("images", "masks"):
        (tmp_path / "morning" / role).mkdir(parents=True)
    (tmp_path / "morning" / "masks" / "notes.txt").write_text("none today")
    pairs, problems = find_pairs(tmp_path)
    assert pairs == []
    expected = [("empty", str(tmp_path / "morning" / role)) for role in ("images", "masks")]
    assert [(problem.kind, problem.file) for problem in problems] == expected
    write_dataset(tmp_path / "evening", 2, size=32)
    assert len(find_pairs(tmp_path)[0]) == 2


def line(image, label_source):
    return FrameRecord(Path(image).stem, image, label_source, hero_pixels=0, people_pixels=0).to_line()


def test_pseudo_labelled_frames_are_recognised(tmp_path, frame):
    for number in range(3):
        write_frame(tmp_path / "flight", f"{number:06d}.jpeg", f"{number:06d}.png", *frame)
    lines = [line("000000.jpeg", "simulator"), line("000001.jpeg", "model"), b"[]\n", line("000002.jpeg", "model")[:40]]
    (tmp_path / "flight" / "frames.jsonl").write_bytes(b"".join(lines))
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "flight")
    for source in (tmp_path / "flight", archive):
        pairs, problems = find_pairs(source)
        assert [pair.pseudo_labelled for pair in pairs] == [False, True, True]
        assert [(each.kind, each.reason[:7]) for each in problems] == [("frames.jsonl", "1 lines")]


def test_frames_that_a_person_corrected_are_recognised(tmp_path, frame):
    sources = "simulator", "model", "person", "propagated"
    for number in range(4):
        write_frame(tmp_path / "flight", f"{number:06d}.jpeg", f"{number:06d}.png", *frame)
    lines = [line(f"{number:06d}.jpeg", source) for number, source in enumerate(sources)]
    (tmp_path / "flight" / "frames.jsonl").write_bytes(b"".join(lines))
    pairs = find_pairs(tmp_path / "flight")[0]
    assert [pair.corrected for pair in pairs] == [False, False, True, False]
    assert [pair.pseudo_labelled for pair in pairs] == [False, True, False, True]


def test_frame_that_is_being_recorded_is_no_problem(tmp_path, frame):
    for number in range(3):
        write_frame(tmp_path / "flight", f"{number:06d}.jpeg", f"{number:06d}.png", *frame)
    lines = [line(f"{number:06d}.jpeg", "simulator") for number in range(2)]
    (tmp_path / "flight" / "frames.jsonl").write_bytes(b"".join(lines))
    (tmp_path / "flight" / "masks" / "000002.png").unlink()  # as in a listing made between the two writes
    pairs, problems = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == ["000000", "000001"]
    assert problems == []
    (tmp_path / "flight" / "masks" / "000001.png").unlink()  # existed, according to its line
    assert [problem.kind for problem in find_pairs(tmp_path)[1]] == ["no mask"]


def test_missing_mask_is_reported_for_any_name(tmp_path, frame):
    write_frame(tmp_path, "run_1_cam1_00001.png", "run_1_mask_00001.png", *frame)
    (tmp_path / "frames.jsonl").write_bytes(line("run_1_cam1_00001.png", "simulator"))
    (tmp_path / "masks" / "run_1_mask_00001.png").unlink()
    assert "no mask" in [problem.kind for problem in find_pairs(tmp_path)[1]]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere links need rights")
def test_linked_recording_is_found_and_circular_links_end(tmp_path, frame):
    write_frame(tmp_path / "elsewhere" / "far", "000000.jpeg", "000000.png", *frame)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "far").symlink_to(tmp_path / "elsewhere" / "far")
    (tmp_path / "elsewhere" / "far" / "again").symlink_to(tmp_path / "recordings")
    pairs, problems = find_pairs(tmp_path / "recordings")
    assert [pair.recording for pair in pairs] == ["recordings/far"]
    assert problems == []


def test_archivers_metadata_is_no_dataset(tmp_path, frame):
    write_frame(tmp_path / "train", "000000.jpeg", "000000.png", *frame)
    for role, name in (("images", "._000000.jpeg"), ("masks", "._000000.png")):
        (tmp_path / "__MACOSX" / "train" / role).mkdir(parents=True)
        (tmp_path / "__MACOSX" / "train" / role / name).write_bytes(b"attributes")
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path)
    for source in (tmp_path, archive):
        pairs, problems = find_pairs(source)
        assert len(pairs) == 1
        assert problems == []


def test_pairs_name_their_recording(tmp_path, frame):
    write_frame(tmp_path / "train", "1_run1_cam1_00000.jpeg", "1_run1_mask_00000.png", *frame)
    write_frame(tmp_path / "mine" / "evening", "000000.jpeg", "000000.png", *frame)
    runs = {pair.recording for pair in find_pairs(tmp_path)[0]}
    assert {run.split("/", 1)[1] for run in runs} == {"train/1_run1", "mine/evening"}


def test_a_word_of_each_frame_alone_is_no_recording(tmp_path, frame):
    for digest, name in (("3f00a1", "0_run6_{}_00002"), ("07bd21", "0_run6_{}_00010"), ("9e3c40", "1_run2_{}_00001")):
        names = (f"{digest}_{name.format(role)}.png" for role in ("cam1", "mask"))
        write_frame(tmp_path / "ada", *names, *frame)
    pairs = find_pairs(tmp_path)[0]
    assert [pair.recording.split("/", 1)[1] for pair in pairs] == ["ada/0_run6", "ada/0_run6", "ada/1_run2"]
    assert [pair.name for pair in pairs] == ["3f00a1_0_run6_00002", "07bd21_0_run6_00010", "9e3c40_1_run2_00001"]


def test_invalid_files_are_reported_by_name(tmp_path, frame):
    image, labels = frame
    for number in range(5):
        write_frame(tmp_path, f"a_cam1_{number}.png", f"a_mask_{number}.png", image, labels)
    (tmp_path / "images" / "a_cam1_0.png").write_bytes(b"not an image")
    write_frame(tmp_path, "b_cam1_1.png", "a_mask_1.png", image[:16], labels[:16, :16])
    (tmp_path / "images" / "b_cam1_1.png").unlink()
    import cv2

    cv2.imwrite(str(tmp_path / "masks" / "a_mask_2.png"), np.full((32, 32, 3), 77, np.uint8))
    cv2.imwrite(str(tmp_path / "masks" / "a_mask_3.png"), np.zeros((32, 32, 3), np.uint8))
    found = [str(problem) for problem in check_pairs(find_pairs(tmp_path)[0]).values()]
    assert len(found) == 4
    assert re.search(r"a_cam1_0\.png is not a JPEG or PNG", found[0])
    assert re.search(r"a_mask_1\.png: image is 32x32 but its mask 16x16", found[1])
    for number, colour in ((2, "the number 77"), (3, "the number 0")):
        expected = rf"a_mask_{number}\.png: each pixel must be red .*, green .* or blue .*; found {colour} \(100\.0%\)"
        assert re.search(expected, found[number])


def test_no_dataset_is_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "fake.zip").write_bytes(b"PK no")
    with pytest.raises(DatasetError, match=r"nowhere does not exist$"):
        find_pairs(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"does not exist; did you mean .*fake\.zip\?$"):
        find_pairs(tmp_path / "fkae.zip")
    with pytest.raises(DatasetError, match="images/ and masks/"):
        find_pairs(tmp_path / "empty")
    with pytest.raises(DatasetError, match=r"fake\.zip"):
        find_pairs(tmp_path / "fake.zip")


@pytest.mark.slow
def test_the_official_archives_pair_completely(shared):
    counts = {"train": 4131, "validation": 1184, "sample_evaluation_data": 1134, "collected_runs": 4894}
    for name, count in counts.items():
        pairs, problems = find_pairs(shared / "data" / f"{name}.zip")
        assert (len(pairs), problems) == (count, [])
    with zipfile.ZipFile(shared / "data" / "train.zip") as archive:
        assert pairs[0].mask.member not in archive.namelist()


def test_recording_that_is_named_without_its_folder_is_suggested(tmp_path, monkeypatch, frame):
    monkeypatch.chdir(tmp_path)
    write_frame(tmp_path / "recordings" / "far", "000000.jpeg", "000000.png", *frame)
    with pytest.raises(DatasetError) as error:
        find_pairs("far")
    assert str(error.value).endswith(f"; there is {Path('recordings', 'far')}")
