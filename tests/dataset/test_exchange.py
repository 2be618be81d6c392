"""Labelled frames to other programs' formats and back, read with these programs' own libraries where there are any."""

import json
import os
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as rle
from pycocotools.coco import COCO

from dataset.__main__ import main
from dataset.exchange.coco import category_classes, coco_frames, read_coco_file, write_coco
from dataset.exchange.frames import ExchangedFrame, ImageFolder, regions
from dataset.exchange.plain_formats import write_masks, write_yolo
from dataset.pairs import find_pairs, read_pair
from dataset.recordings.recording import open_recording
from dataset.schema import BACKGROUND, HERO, IGNORED, PEOPLE
from tests.model.labelled_frames import write_frame
from tests.walk import FRAMES

WALK = Path(__file__).with_name("recordings") / "walk"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with recordings/walk; the working folder of the command."""
    shutil.copytree(WALK, tmp_path / "recordings" / "walk")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def labels_of(dataset: Path) -> list[np.ndarray]:
    return [read_pair(pair)[1] for pair in find_pairs(dataset)[0]]


def test_coco_and_back_is_exact(folder):
    assert main(["export", "walk", "coco"]) == 0
    assert main(["import", "coco/annotations.json", "recordings/back"]) == 0
    back, walk = (open_recording(folder / "recordings" / name) for name in ("back", "walk"))
    assert len(back.frames) == FRAMES
    for ours, theirs in zip(labels_of(back.path), labels_of(walk.path), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(back.frames, walk.frames, strict=True):
        assert (back.path / "images" / ours.image).read_bytes() == (walk.path / "images" / theirs.image).read_bytes()
        kept = ("pose", "gimbal_pose", "timestamp", "number", "label_source", "ground_truth_target", "hero_pixels")
        assert [getattr(ours, key) for key in kept] == [getattr(theirs, key) for key in kept]


@pytest.mark.parametrize("packed", [False, True])
def test_frames_of_several_recordings_keep_who_labelled_them(folder, packed):
    lines = folder / "recordings" / "walk" / "frames.jsonl"
    lines.write_text(lines.read_text().replace('"label_source":"simulator"', '"label_source":"model"'))
    shutil.copytree(folder / "recordings" / "walk", folder / "recordings" / "second")
    source = shutil.make_archive("packed", "zip", "recordings") if packed else "recordings"
    assert main(["export", source, "coco"]) == 0
    assert main(["import", "coco/annotations.json", "back"]) == 0
    back = open_recording(folder / "back").frames
    assert [frame.label_source for frame in back] == ["model"] * 2 * FRAMES
    assert all(frame.pose is not None for frame in back)


def test_labels_that_were_changed_on_the_way_are_a_persons(folder):
    assert main(["export", "walk", "coco"]) == 0
    file = folder / "coco" / "annotations.json"
    content = json.loads(file.read_text())
    for image in content["images"]:
        image["attributes"]["labelled_by"] = "better.h5"
    changed = content["annotations"][0]
    content["annotations"] = content["annotations"][1:]
    content["images"][3]["attributes"] = {"weather": "fine"}
    file.write_text(json.dumps(content))
    assert main(["import", "coco/annotations.json", "recordings/back"]) == 0
    records = open_recording(folder / "recordings" / "back").frames
    sources = [record.label_source for record in records]
    assert [index for index, source in enumerate(sources) if source == "person"] == [changed["image_id"] - 1, 3]
    assert {(record.label_source, record.labelled_by) for record in records} == {("person", ""), ("model", "better.h5")}


def test_cocos_own_library_reads_what_is_written(folder, capsys):
    assert main(["export", "walk", "coco"]) == 0
    coco = COCO(str(folder / "coco" / "annotations.json"))
    assert sorted(category["name"] for category in coco.loadCats(coco.getCatIds())) == ["hero", "people"]
    hero = coco.getCatIds(catNms=["hero"])
    for image, labels in zip(coco.loadImgs(coco.getImgIds()), labels_of(WALK), strict=True):
        masks = [coco.annToMask(each) for each in coco.loadAnns(coco.getAnnIds(image["id"], hero))]
        union = np.any(masks, axis=0) if masks else np.zeros(labels.shape, bool)
        np.testing.assert_array_equal(union, labels == HERO)
        for annotation in coco.loadAnns(coco.getAnnIds(image["id"])):
            rows, columns = np.nonzero(coco.annToMask(annotation))
            assert annotation["area"] == len(rows)
            left, top, width, height = annotation["bbox"]
            assert (left, top) == (columns.min(), rows.min())
            assert (left + width - 1, top + height - 1) == (columns.max(), rows.max())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow only names that are text")
@pytest.mark.parametrize("name", [os.fsdecode(b"caf\xe9"), "two\\parts", "größe 日本 [bold]"])
def test_any_name_of_an_image_survives_coco(folder, name):
    for file in ("images/000003.jpeg", "masks/000003.png"):
        path = Path("recordings/walk", file)
        path.rename(path.with_stem(name))
    shutil.copytree("recordings/walk", f"plain/{name}", ignore=shutil.ignore_patterns("*.json*"))
    shutil.copytree("recordings/walk", "plain/other", ignore=shutil.ignore_patterns("*.json*"))
    assert main(["export", "plain", "coco"]) == 0
    assert main(["import", "coco/annotations.json", "back"]) == 0
    for ours, theirs in zip(labels_of(folder / "back"), labels_of(folder / "plain"), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_any_labels_survive_coco(tmp_path_factory, height, width, seed, density):
    random = np.random.default_rng(seed)
    labels = np.where(random.random((height, width)) < density, random.integers(1, 3, (height, width)), 0)
    labels = labels.astype(np.uint8)
    folder = tmp_path_factory.mktemp("coco")
    write_coco([ExchangedFrame("a.png", b"image", labels)], folder)
    content = read_coco_file(folder / "annotations.json")
    (frame,) = coco_frames(content, category_classes(content, {}), ImageFolder(folder / "images"))
    np.testing.assert_array_equal(frame.labels, labels)
    assert frame.image == b"image"
    covered = sum(mask.astype(int) for _, mask in regions(labels)) if labels.any() else np.zeros(labels.shape, int)
    np.testing.assert_array_equal(covered, labels > 0)  # each labelled pixel in one region


def test_masks_with_a_palette_are_read_as_any_dataset(folder):
    assert main(["export", "walk", "palette", "--format", "masks"]) == 0
    stored = cv2.imread(str(folder / "palette" / "masks" / "000000.png"))
    assert {tuple(colour) for colour in stored.reshape(-1, 3)} <= {(0, 0, 0), (0, 255, 0), (255, 0, 0)}  # BGR
    for ours, theirs in zip(labels_of(folder / "palette"), labels_of(WALK), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "to_pixels", [np.rint, np.floor], ids=["rounding, as supervision", "cutting off, as Ultralytics"]
)
def test_yolos_polygons_give_the_regions_back(folder, to_pixels):
    assert main(["export", "walk", "yolo", "--format", "yolo"]) == 0
    assert "0: people" in (folder / "yolo" / "data.yaml").read_text()
    for number, labels in enumerate(labels_of(WALK)):
        text = (folder / "yolo" / "labels" / f"{number:06}.txt").read_text()
        np.testing.assert_array_equal(drawn(text, labels.shape, to_pixels), labels)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0, 0.6))
def test_any_region_without_holes_survives_yolo(tmp_path_factory, height, width, seed, density):
    blobs = (np.random.default_rng(seed).random((height, width)) < density).astype(np.uint8)
    outside = cv2.floodFill(np.pad(blobs, 1), None, (0, 0), 2)[1] == 2
    labels = np.where(outside[1:-1, 1:-1], BACKGROUND, HERO).astype(np.uint8)  # the holes are filled
    folder = tmp_path_factory.mktemp("yolo")
    write_yolo([ExchangedFrame("a.png", b"image", labels)], folder)
    text = (folder / "labels" / "a.txt").read_text()
    for to_pixels in np.rint, np.floor:
        np.testing.assert_array_equal(drawn(text, labels.shape, to_pixels), labels)


def drawn(text: str, shape: tuple[int, int], to_pixels) -> np.ndarray:
    """Return the labels that other programs draw of YOLO's polygons."""
    labels = np.full(shape, BACKGROUND, np.uint8)
    for line in text.splitlines():
        label, *numbers = line.split()
        corners = to_pixels(np.array(numbers, np.float32).reshape(-1, 2) * shape[::-1])
        cv2.fillPoly(labels, [corners.astype(np.int32)], (PEOPLE, HERO)[int(label)])
    return labels


def annotations(**changes) -> dict:
    """One image of 8x12 pixels with a polygon, a compressed and an uncompressed RLE mask."""
    person = np.zeros((8, 12), np.uint8, order="F")
    person[4:6, 8:10] = 1
    encoded = rle.encode(person)
    run_lengths = {"size": [8, 12], "counts": [8 * 11, 3, 5]}  # the first three pixels of the last column
    segmentations = [
        [[1.0, 1.0, 5.0, 1.0, 5.0, 4.0, 1.0, 4.0]],
        encoded | {"counts": encoded["counts"].decode()},
        run_lengths,
    ]
    content = {
        "images": [{"id": 7, "file_name": "some/where/a.png", "height": 8, "width": 12}],
        "categories": [{"id": 1, "name": "Person"}, {"id": 5, "name": "hero"}],
        "annotations": [
            {"id": number, "image_id": 7, "category_id": category, "segmentation": segmentation, "bbox": []}
            for number, (category, segmentation) in enumerate(zip((5, 1, 1), segmentations, strict=True))
        ],
    }
    return content | changes


def write(folder: Path, content: dict) -> Path:
    (folder / "images").mkdir()
    cv2.imwrite(str(folder / "images" / "a.png"), np.full((8, 12, 3), 90, np.uint8))
    (folder / "labels.json").write_text(json.dumps(content))
    return folder / "labels.json"


def test_polygons_and_both_kinds_of_rle_are_read(tmp_path):
    assert main(["import", str(write(tmp_path, annotations())), str(tmp_path / "imported")]) == 0
    expected = np.zeros((8, 12), np.uint8)
    expected[1:4, 1:5] = HERO
    expected[4:6, 8:10] = PEOPLE
    expected[0:3, 11] = PEOPLE
    (labels,) = labels_of(tmp_path / "imported")
    np.testing.assert_array_equal(labels, expected)
    (record,) = open_recording(tmp_path / "imported").frames
    assert (record.label_source, record.hero_pixels, record.people_pixels) == ("person", 12, 7)


def test_files_that_windows_has_written_are_read(tmp_path):
    """With backslashes, and with a mark at the beginning."""
    for folder, grey in (("one", 30), ("two", 60)):
        (tmp_path / "images" / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "images" / folder / "a.png"), np.full((8, 12, 3), grey, np.uint8))
    content = annotations(images=[{"id": 7, "file_name": "..\\images\\two\\a.png", "height": 8, "width": 12}])
    (tmp_path / "labels.json").write_text(json.dumps(content), encoding="utf-8-sig")
    assert main(["import", str(tmp_path / "labels.json"), str(tmp_path / "imported")]) == 0
    (pair,) = find_pairs(tmp_path / "imported")[0]
    assert read_pair(pair)[0][0, 0, 0] == 60


@pytest.mark.parametrize("suffix", [".bmp", ".webp"])
def test_images_of_other_kinds_become_pngs(tmp_path, suffix):
    file = write(tmp_path, annotations(images=[{"id": 7, "file_name": f"a{suffix}", "height": 8, "width": 12}]))
    cv2.imwrite(str(tmp_path / "images" / f"a{suffix}"), np.full((8, 12, 3), 90, np.uint8))
    assert main(["import", str(file), str(tmp_path / "imported")]) == 0
    (pair,) = find_pairs(tmp_path / "imported")[0]
    image, labels = read_pair(pair)
    assert np.abs(image.astype(int) - 90).max() < 4
    assert np.count_nonzero(labels == HERO) == 12


def test_ignored_pixels_are_kept_in_masks_and_told_elsewhere(tmp_path, capsys):
    data = tmp_path / "data"
    labels = np.zeros((8, 12), np.uint8)
    labels[2:4, 2:4] = HERO
    write_frame(data, "a_cam1_0.png", "a_mask_0.png", np.full((8, 12, 3), 90, np.uint8), labels)
    mask = data / "masks" / "a_mask_0.png"
    pixels = cv2.imread(str(mask))
    pixels[5:] = 0
    cv2.imwrite(str(mask), pixels)
    colours = 'ignored = "#000000"\n[colours]\nbackground = "#ff0000"\npeople = "#00ff00"\nhero = "#0000ff"\n'
    (data / "classes.toml").write_text(colours)
    (before,) = labels_of(data)
    assert np.count_nonzero(before == IGNORED) == 36
    for form in ("masks", "coco"):
        assert main(["export", str(data), str(tmp_path / form), "--format", form]) == 0
        assert ("1 of them have ignored pixels" in capsys.readouterr().out) is (form == "coco")
    (after,) = labels_of(tmp_path / "masks")
    np.testing.assert_array_equal(after, before)


def test_other_names_of_classes_are_given(tmp_path, capsys):
    content = annotations(categories=[{"id": 1, "name": "bystander"}, {"id": 5, "name": "dog"}])
    file = write(tmp_path, content)
    assert main(["import", str(file), str(tmp_path / "imported")]) == 2
    assert (
        "category 'bystander' is no class: say which one it is, such as --class bystander=people"
        in capsys.readouterr().err
    )
    chosen = ["--class", "bystander=people", "--class", "dog=hero"]
    assert main(["import", str(file), str(tmp_path / "imported"), *chosen]) == 0
    assert np.count_nonzero(labels_of(tmp_path / "imported")[0] == HERO) == 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": [{"id": 7, "file_name": "b.png", "height": 8, "width": 12}]}, "expected the image b.png"),
        (
            {"images": [{"id": 7, "file_name": "a.png", "height": 9, "width": 12}]},
            "has the size [8, 12], its image [9, 12]",
        ),
        ({"images": [{"id": 8, "file_name": "a.png", "height": 8, "width": 12}]}, "is of image 7, not in the file"),
        ({"images": [{"id": 7, "file_name": "a.png"}]}, "is not in COCO's format: images.0.height"),
        (
            {"annotations": [{"id": 1, "image_id": 7, "category_id": 5, "segmentation": {"size": [8, 12]}}]},
            "cannot be read",
        ),
        (
            {"annotations": [{"id": 1, "image_id": 7, "category_id": 9, "segmentation": []}]},
            "of category 9, not in the file",
        ),
        (
            {"annotations": [{"id": 1, "image_id": 7, "category_id": 5, "segmentation": [], "bbox": [1, 1, 4, 3]}]},
            "annotation 1 has no mask, only a box: export masks",
        ),
        ({"images": [], "annotations": []}, "lists no image"),
        (
            {"annotations": [{"id": 1, "image_id": 7, "category_id": 5, "segmentation": [[]]}]},
            "annotation 1 has a segmentation that cannot be read",
        ),
        (
            {"images": [{"id": n, "file_name": f"{n}/a.png", "height": 8, "width": 12} for n in (7, 8)]},
            "a.png is the only image for both 7/a.png and 8/a.png",
        ),
        (
            {"images": [{"id": n, "file_name": "a.png", "height": 8, "width": 12} for n in (7, 8)]},
            "expected images that differ in their file_name, but 2 have 'a.png'",
        ),
        (
            {"images": [{"id": 7, "file_name": name, "height": 8, "width": 12} for name in ("a.png", "b.png")]},
            "expected images that differ in their id, but 2 have 7",
        ),
        (
            {"categories": [{"id": 5, "name": "hero"}, {"id": 1, "name": "person"}, {"id": 5, "name": "people"}]},
            "expected categories that differ in their id, but 2 have 5",
        ),
        ({"images": [{"id": 7, "file_name": ".", "height": 8, "width": 12}]}, "expected the image ."),
        ({"images": [{"id": 7, "file_name": "", "height": 8, "width": 12}]}, "images.0.file_name"),
        ({"images": [{"id": 7, "file_name": "a.png", "height": -1, "width": 12}]}, "images.0.height"),
    ],
)
def test_annotations_that_do_not_fit_are_told_and_leave_nothing(tmp_path, capsys, changes, message):
    file = write(tmp_path, annotations(**changes))
    assert main(["import", str(file), str(tmp_path / "imported")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("size", [(8, 12), (480, 640)])
def test_run_lengths_that_end_early_are_refused(tmp_path, capsys, size, compressed):
    """What a writer did not cover would be whatever was in memory."""
    segmentation = {"size": list(size), "counts": [10, 20]}
    if compressed:
        segmentation["counts"] = rle.frPyObjects(segmentation, *size)["counts"].decode()
    one = {"id": 1, "image_id": 7, "category_id": 5, "segmentation": segmentation}
    images = [{"id": 7, "file_name": "a.png", "height": size[0], "width": size[1]}]
    file = write(tmp_path, annotations(images=images, annotations=[one]))
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((*size, 3), np.uint8))
    assert main(["import", str(file), str(tmp_path / "imported")]) == 2
    assert "its runs do not cover the image" in capsys.readouterr().err


def test_annotated_size_must_be_the_images(tmp_path, capsys):
    content = annotations(images=[{"id": 7, "file_name": "a.png", "height": 4, "width": 4}], annotations=[])
    assert main(["import", str(write(tmp_path, content)), str(tmp_path / "imported")]) == 2
    assert "a.png has the size (8, 12), annotated is (4, 4)" in capsys.readouterr().err


def test_damaged_files_are_left_out_and_told(folder, capsys):
    image = folder / "recordings" / "walk" / "images" / "000004.jpeg"
    image.write_bytes(image.read_bytes()[:2000])
    assert main(["export", "walk", "coco"]) == 0
    assert "000004.jpeg is truncated" in " ".join(capsys.readouterr().out.split())
    names = [each["file_name"] for each in json.loads((folder / "coco" / "annotations.json").read_text())["images"]]
    assert len(names) == FRAMES - 1
    assert "000004.jpeg" not in names


def test_nothing_is_exported_over_something(folder, capsys):
    (folder / "coco").mkdir()
    assert main(["export", "walk", "coco"]) == 2
    assert "coco exists already" in capsys.readouterr().err
    assert main(["export", "nowhere", "new"]) == 2
    assert "nowhere does not exist" in capsys.readouterr().err
    assert sorted(each.name for each in folder.iterdir()) == ["coco", "recordings"]


def test_labels_of_images_that_differ_in_their_suffix_are_kept_apart(tmp_path):
    image = np.full((256, 256, 3), 90, np.uint8)
    for run, suffix, label in (("one", "jpeg", PEOPLE), ("two", "png", HERO)):
        labels = np.zeros((256, 256), np.uint8)
        labels[:20, :20] = label
        write_frame(tmp_path / "data" / run, f"000000.{suffix}", "000000.png", image, labels)
    assert main(["export", str(tmp_path / "data"), str(tmp_path / "out"), "--format", "masks"]) == 0
    assert sorted(int(read_pair(pair)[1][0, 0]) for pair in find_pairs(tmp_path / "out")[0]) == [PEOPLE, HERO]


@pytest.mark.parametrize("form", ["coco", "masks", "yolo"])
def test_folders_whose_names_become_alike_do_not_overwrite_each_other(tmp_path, form):
    """Some file systems see no difference between Meadow and meadow."""
    folders = ["a/b", "a-b", "Meadow", "meadow", "a-b-2"]
    for number, folder in enumerate(folders):
        labels = np.zeros((64, 64), np.uint8)
        labels[20:30, 20:30] = HERO
        grey = np.full((64, 64, 3), 40 * number, np.uint8)
        write_frame(tmp_path / "data" / folder, "000000.png", "000000.png", grey, labels)
    assert main(["export", str(tmp_path / "data"), str(tmp_path / "out"), "--format", form]) == 0
    files = list((tmp_path / "out" / "images").rglob("*.png"))
    assert sorted(int(cv2.imread(str(file))[0, 0, 0]) for file in files) == [0, 40, 80, 120, 160]
    assert len({str(file).casefold() for file in files}) == len(folders)


def test_ignored_pixels_of_several_frames_are_exported(tmp_path):
    labels = np.zeros((8, 12), np.uint8)
    labels[2:4, 2:4] = IGNORED
    write_masks((ExchangedFrame(f"{number}.png", b"image", labels) for number in range(2)), tmp_path)
    assert (tmp_path / "classes.toml").read_text().startswith("ignored = 255")


def test_other_classes_are_not_exported(folder, capsys):
    (folder / "recordings" / "walk" / "classes.toml").write_text('[classes]\nroad = "#ff0000"\ncar = "#0000ff"\n')
    assert main(["export", "walk", "coco"]) == 2
    assert "has the classes road, car (no target): only those of background, people, hero" in capsys.readouterr().err
    assert not (folder / "coco").exists()
