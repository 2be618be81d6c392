"""Where images and masks lie, and what is said of sources that cannot be used as they are."""

import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataset.archives import DatasetError, Source
from dataset.checks import check_pairs
from dataset.pairs import describe_colours, find_pairs, read_pair
from dataset.problems import summarise_problems
from tests.model.labelled_frames import draw_labels, paint, write_dataset, write_frame


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Three frames, f0 to f2, in images/ and masks/."""
    folder = tmp_path_factory.mktemp("good")
    for number in range(3):
        labels = draw_labels(np.random.default_rng(number), 32)
        write_frame(folder, f"f{number}.jpeg", f"f{number}.png", paint(labels), labels)
    return folder


def problems_of(source):
    pairs, problems = find_pairs(source)
    return pairs, [str(problem).removeprefix(str(source)).lstrip("/\\") for problem in problems]


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images", "labels"),
        ("Images", "Masks"),
        ("imgs", "masks"),
        ("rgb", "gt"),
        ("data/images", "data/annotations"),
        ("images/day/one", "masks/day/one"),
    ],
)
def test_other_names_of_folders(good, tmp_path, images, masks):
    shutil.copytree(good / "images", tmp_path / images)
    shutil.copytree(good / "masks", tmp_path / masks)
    pairs, problems = find_pairs(tmp_path)
    assert problems == []
    assert [(pair.image.name, pair.mask.name) for pair in pairs] == [(f"f{n}.jpeg", f"f{n}.png") for n in range(3)]
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path)
    assert [pair.name for pair in find_pairs(archive)[0]] == ["f0", "f1", "f2"]


def test_images_and_masks_come_before_other_names(good, tmp_path):
    shutil.copytree(good, tmp_path / "d")
    (tmp_path / "d" / "labels").mkdir()
    (tmp_path / "d" / "labels" / "f0.png").write_bytes(b"something else")
    (tmp_path / "d" / "frames").mkdir()
    (tmp_path / "elsewhere" / "labels").mkdir(parents=True)
    (tmp_path / "elsewhere" / "labels" / "f0.png").write_bytes(b"something else")
    (tmp_path / "d" / "images" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "d" / "images" / ".ipynb_checkpoints" / "f0-checkpoint.jpeg").write_bytes(b"a copy")
    pairs, problems = problems_of(tmp_path)
    assert len(pairs) == 3
    assert problems == []


@pytest.mark.parametrize(
    ("arrange", "expected"),
    {
        "no folder of masks": (
            lambda folder: (folder / "masks").rename(folder / "colouring"),
            "images: there is no folder masks/ beside it; beside it is colouring/ with 3 .png",
        ),
        "masks of another tool": (
            lambda folder: (
                [file.rename(file.with_suffix(".txt")) for file in (folder / "masks").iterdir()]
                and (folder / "masks").rename(folder / "labels")
            ),
            "images: there is no folder masks/ beside it; beside it is labels/ with 3 .txt",
        ),
        "two candidates": (
            lambda folder: (
                shutil.copytree(folder / "masks", folder / "gt") and (folder / "masks").rename(folder / "labels")
            ),
            ": gt/ and labels/ may hold the masks: name one of them masks/",
        ),
        "suffix": (
            lambda folder: [file.rename(file.with_suffix(".TIFF")) for file in (folder / "images").iterdir()],
            "images: 3 files such as f0.TIFF are not read; save them as PNG or JPEG",
        ),
        "no suffix": (
            lambda folder: [file.rename(file.with_suffix("")) for file in (folder / "masks").iterdir()],
            "masks: a folder without any image; it holds 3 files without suffix, expected .jpeg, .jpg or .png",
        ),
        "names": (
            lambda folder: (folder / "masks" / "f1.png").rename(folder / "masks" / "g7.png"),
            "images/f1.jpeg: no partner of this name",
        ),
    }.values(),
    ids=lambda value: value if isinstance(value, str) else "files",
)
def test_what_is_missing_is_said(good, tmp_path, arrange, expected):
    folder = tmp_path / "data"
    shutil.copytree(good, folder)
    arrange(folder)
    assert expected in problems_of(folder)[1]


def test_rule_for_names_is_given_with_an_example(good, tmp_path):
    shutil.copytree(good, tmp_path / "d")
    for file in sorted((tmp_path / "d" / "masks").iterdir()):
        file.rename(file.with_name(f"street_{file.name}"))
    for file in sorted((tmp_path / "d" / "images").iterdir()):
        file.rename(file.with_name(f"meadow_{file.name}"))
    text = summarise_problems(find_pairs(tmp_path / "d")[1])
    assert text.startswith("3 x no mask, 3 x no image")
    assert "images/000017.jpeg with masks/000017.png" in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n", "is only a Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "is a web page about the file; download the file itself, on GitHub as 'raw'"),
        (b"\x89PNG\n\x1a\n", "is a PNG that was transferred as text; download it again"),
        (b"GIF89a..........", "is not a JPEG or PNG image: it is a GIF image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "is not a JPEG or PNG image: it is a WebP image"),
        (b"who knows", "it is of an unknown kind, and begins with 77 68 6f 20"),
        (0.3, "is truncated"),
    ],
)
@pytest.mark.parametrize("role", ["images/f1.jpeg", "masks/f1.png"])
def test_unreadable_files_are_explained(good, tmp_path, content, expected, role):
    shutil.copytree(good, tmp_path / "d")
    file = tmp_path / "d" / role
    whole = file.read_bytes()
    file.write_bytes(whole[: int(content * len(whole))] if isinstance(content, float) else content)
    (problem,) = check_pairs(find_pairs(tmp_path / "d")[0]).values()
    assert problem.kind == "unreadable"
    assert f"{file} " in problem.reason
    assert expected in problem.reason


def archive_of(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (0.5, "is a truncated zip archive"),
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is only a Git LFS pointer"),
        (b"\x1f\x8b\x08\0", "is a gzip archive; unpack it first"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive; unpack it first"),
        (b"Rar!\x1a\x07", "is a RAR archive; unpack it first"),
        (b"\xff\xd8\xff\xe0", "is a JPEG image"),
        (b"text", "is neither"),
    ],
)
def test_archives_that_cannot_be_read_are_explained(good, tmp_path, content, expected):
    path = tmp_path / "data.zip"
    whole = archive_of(good, path)
    path.write_bytes(whole[: int(content * len(whole))] if isinstance(content, float) else content)
    with pytest.raises(DatasetError, match=r"expected a folder or a [.]zip archive") as error:
        find_pairs(path)
    assert f"{path} {expected}" in str(error.value)


def test_a_member_of_unlikely_size_is_explained(good, tmp_path, monkeypatch):
    """A zip bomb, which would fill the memory."""
    monkeypatch.setattr("dataset.archives.MAX_MEMBER", 10)
    path = tmp_path / "data.zip"
    archive_of(good, path)
    reasons = [problem.reason for problem in check_pairs(find_pairs(path)[0]).values()]
    assert reasons
    assert all("GB unpacked, which no file of a dataset has: remove it" in reason for reason in reasons)


def test_a_damaged_member_that_lzma_packed_is_explained(tmp_path):
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("images/a.png", bytes(1000))
    packed = bytearray(path.read_bytes())
    start = packed.index(b"images/a.png") + len("images/a.png")
    packed[start + 9] ^= 0xFF  # after the options of the packing
    path.write_bytes(packed)
    with pytest.raises(DatasetError, match=r"is damaged, download or pack data\.zip again"):
        Source(path, "images/a.png").read()


def test_damaged_and_encrypted_members_are_explained(good, tmp_path):
    path = tmp_path / "data.zip"
    whole = bytearray(archive_of(good, path))
    name = whole.index(b"images/f1.jpeg")
    whole[name + 60] ^= 1
    encrypted = whole.index(b"PK\x01\x02") + 8  # the flags of the first entry in the directory: images/f0.jpeg
    whole[encrypted] |= 1
    path.write_bytes(whole)
    reasons = [problem.reason for problem in check_pairs(find_pairs(path)[0]).values()]
    assert len(reasons) == 2
    assert "images/f0.jpeg cannot be read, unpack data.zip first: " in reasons[0]
    assert "password" in reasons[0]
    assert "images/f1.jpeg is damaged, download or pack data.zip again: Bad CRC-32" in reasons[1]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["notes.txt"], "an image is, for example, images/000017.jpeg, and its mask masks/000017.png"),
        (["train.zip", "validation.zip"], "give train.zip, validation.zip itself, one after another"),
        (["run1/IMG/cam1_00000.png", "run1/IMG/cam2_00000.png"], "raw recordings of QuadSim (run1/IMG), which have no"),
    ],
)
def test_sources_without_images_and_masks_are_explained(tmp_path, files, expected):
    for name in files:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    with pytest.raises(DatasetError) as error:
        find_pairs(tmp_path / "data")
    assert expected in str(error.value)


def test_folder_of_images_itself_is_not_a_dataset(good):
    with pytest.raises(DatasetError) as error:
        find_pairs(good / "images")
    assert f"give the folder that holds both, {good}" in str(error.value)


def recolour(folder, colours):
    """Change the masks of a dataset in place."""
    for file in (folder / "masks").iterdir():
        labels = np.argmax(cv2.imread(str(file))[..., ::-1], axis=2)
        cv2.imwrite(str(file), np.array(colours, np.uint8)[labels][..., ::-1])


def test_swapped_red_and_blue_are_asked_about_until_the_dataset_says_so(tmp_path):
    folder = write_dataset(tmp_path / "data", 6, size=32)
    truth = [read_pair(pair)[1] for pair in find_pairs(folder)[0]]
    recolour(folder, [(0, 0, 255), (0, 255, 0), (255, 0, 0)])
    pairs, problems = find_pairs(folder)
    found = check_pairs(pairs)
    assert problems == []
    assert {problem.kind for problem in found.values()} == {"shares"}
    assert len(found) == 6
    text = summarise_problems(found.values())
    assert text.count("in 6 of 6 masks most pixels are people (") == 1
    assert text.count("are red and blue swapped?") == 1
    assert "classes.toml" in text
    colours = '[colours]\r\nbackground = "#0000ff"\r\npeople = "#00ff00"\r\nhero = "#ff0000"\r\n'
    (tmp_path / "classes.toml").write_bytes(colours.encode("utf-16"))  # above the dataset, as Windows' editors save it
    pairs = find_pairs(tmp_path)[0]
    assert check_pairs(pairs) == {}
    np.testing.assert_array_equal([read_pair(pair)[1] for pair in pairs], truth)
    assert describe_colours(pairs) == ["6 masks are read as blue (background), green (people) or red (hero)"]


def test_only_swapped_masks_of_a_folder_are_left_out_and_a_rare_close_up_is_none(tmp_path):
    folder = write_dataset(tmp_path, 40, size=32)
    masks = sorted((folder / "masks").iterdir())
    for mask in masks[:3]:
        cv2.imwrite(str(mask), np.full((32, 32, 3), (255, 0, 0), np.uint8))  # BGR: the hero
    pairs = find_pairs(folder)[0]
    assert check_pairs(pairs) == {}
    for mask in masks[3:6]:
        cv2.imwrite(str(mask), cv2.imread(str(mask))[..., ::-1])
    assert sorted(check_pairs(pairs)) == [0, 1, 2, 3, 4, 5]


def test_numbers_of_another_order_are_asked_about(tmp_path):
    folder = write_dataset(tmp_path, 6, size=32)
    for file in (folder / "masks").iterdir():
        cv2.imwrite(str(file), np.uint8(2) - np.argmax(cv2.imread(str(file))[..., ::-1], axis=2).astype(np.uint8))
    pairs = find_pairs(folder)[0]
    assert check_pairs(pairs)[0].reason.endswith("have 0, 1 and 2 another meaning?")
    (folder / "masks" / "classes.toml").write_text("[colours]\nbackground = 2\npeople = 1\nhero = 0\n")
    assert check_pairs(find_pairs(folder)[0]) == {}


@pytest.mark.parametrize("place", ["masks/day", "masks", "."])
@pytest.mark.parametrize("packed", [False, True])
def test_classes_are_found_above_folders_inside_images_and_masks(tmp_path, place, packed):
    folder = write_dataset(tmp_path / "plain", 6, size=32)
    truth = [read_pair(pair)[1] for pair in find_pairs(folder)[0]]
    for role in ("images", "masks"):
        shutil.copytree(folder / role, tmp_path / "data" / role / "day")
    for file in (tmp_path / "data" / "masks" / "day").iterdir():
        cv2.imwrite(str(file), np.uint8(2) - np.argmax(cv2.imread(str(file))[..., ::-1], axis=2).astype(np.uint8))
    classes = tmp_path / "data" / place / "classes.toml"
    classes.write_text("[colours]\nbackground = 2\npeople = 1\nhero = 0\n")
    source = tmp_path / "data"
    if packed:
        source = Path(shutil.make_archive(str(source), "zip", source))
    pairs, problems = find_pairs(source)
    assert problems == []
    np.testing.assert_array_equal([read_pair(pair)[1] for pair in pairs], truth)


def test_meaning_of_masks_is_found_for_each_folder_and_said(tmp_path):
    for name, colours in (("own", None), ("black", [(0, 0, 0), (0, 255, 0), (0, 0, 255)])):
        folder = write_dataset(tmp_path / name, 4, size=32)
        if colours:
            recolour(folder, colours)
    pairs, problems = find_pairs(tmp_path)
    assert problems == []
    assert check_pairs(pairs) == {}
    own = [read_pair(pair)[1] for pair in pairs if "own" in pair.recording]
    black = [read_pair(pair)[1] for pair in pairs if "black" in pair.recording]
    np.testing.assert_array_equal(own, black)
    (note,) = describe_colours(pairs)
    assert note.startswith("4 masks are read as black (background), green (people) or blue (hero); if that is wrong")


def test_masks_of_unknown_colours_are_one_problem(tmp_path):
    folder = write_dataset(tmp_path / "data", 4, size=32)
    recolour(folder, [(255, 255, 255), (0, 0, 0), (128, 128, 128)])
    pairs, problems = find_pairs(folder)
    assert pairs == []
    (problem,) = problems
    assert str(problem).startswith(
        f"{folder}: each pixel must be red (background), green (people) or blue (hero); found"
    )
    assert "the number 255 (" in str(problem)
