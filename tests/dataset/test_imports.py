"""Import of what CVAT, Label Studio and others have annotated: exact, or refused in one sentence."""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataset.__main__ import main
from dataset.exchange.label_studio import decode_rle
from dataset.masks.labels import decode_labels
from dataset.recordings.recording import open_recording
from dataset.schema import HERO, PEOPLE

ROWS, COLUMNS = 24, 32
# Written with Label Studio's own `label_studio_converter.brush.encode_rle`.
EXPORT = json.loads(Path(__file__).with_name("label_studio.json").read_text())


def truth() -> np.ndarray:
    """Labels of a round target and a rectangular person."""
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    labels = np.zeros((ROWS, COLUMNS), np.uint8)
    labels[(rows >= 2) & (rows < 6) & (columns >= 20) & (columns < 30)] = PEOPLE
    labels[(rows - 10) ** 2 + (columns - 12) ** 2 <= 36] = HERO
    return labels


def save_image(file: Path, size: tuple[int, int] = (COLUMNS, ROWS)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 60)).save(file)


def save_mask(file: Path, colours: list[tuple[int, int, int]], palette: bool = True) -> None:
    """Save the truth in the colours of background, people and hero."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(truth()).convert("P")
    image.putpalette([part for colour in colours for part in colour])
    (image if palette else image.convert("RGB")).save(file)


@pytest.fixture
def run(tmp_path, capsys):
    """Run the import; return its status and what it prints, in one line."""

    def start(source: Path, *options: str) -> tuple[int, str]:
        shutil.rmtree(tmp_path / "new", ignore_errors=True)
        status = main(["import", str(source), str(tmp_path / "new"), *options])
        output = capsys.readouterr()
        return status, " ".join((output.out + output.err).split())

    return start


def check_imported(tmp_path: Path) -> None:
    """Assert that the new recording has one frame, with the truth for labels, a person's."""
    (record,) = open_recording(tmp_path / "new").frames
    mask = (tmp_path / "new" / "masks" / f"{record.frame}.png").read_bytes()
    np.testing.assert_array_equal(decode_labels(mask, (ROWS, COLUMNS)), truth())
    assert record.label_source == "person"


@pytest.fixture
def studio(tmp_path):
    """Write Label Studio's export, changed by a function, beside the image as it was before the upload."""

    def write(change=lambda task: None) -> Path:
        tasks = copy.deepcopy(EXPORT)
        change(tasks[0])
        save_image(tmp_path / "images" / "a.png")
        (tmp_path / "export.json").write_text(json.dumps(tasks))
        return tmp_path / "export.json"

    return write


def test_label_studios_brushes_are_read_exactly(studio, run, tmp_path):
    assert run(studio())[0] == 0
    check_imported(tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        "/data/local-files/?d=some/where/a.png",
        "s3://bucket/some/a.png",
        "https://example.org/x/3f2a1b4c-a.png",
        "a.png",
    ],
)
def test_images_are_found_by_all_ways_in_which_they_are_named(studio, run, tmp_path, address):
    assert run(studio(lambda task: task.update(data={"note": 5, "image": address})))[0] == 0
    check_imported(tmp_path)


def test_of_several_annotations_the_last_one_that_was_not_skipped_counts(studio, run, tmp_path):
    def add(task: dict) -> None:
        task["annotations"].insert(0, {"result": task["annotations"][0]["result"][:1]})
        task["annotations"].append({"result": [], "was_cancelled": True})

    assert run(studio(add))[0] == 0
    check_imported(tmp_path)


def test_label_studios_polygons_are_read(studio, run, tmp_path):
    corners = [[62.5, 8.34], [93.5, 8.34], [93.5, 24.9], [62.5, 24.9]]  # percent of columns 20 to 29, rows 2 to 5

    def draw(task: dict) -> None:
        region = task["annotations"][0]["result"][1]
        region.update(type="polygonlabels", value={"points": corners, "polygonlabels": ["Person"]})

    assert run(studio(draw))[0] == 0
    check_imported(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda task: task.update(data={"image": "b.png"}), "expected the image b.png"),
        (lambda task: task.update(data={"text": "hello"}), "task 7 names no image file"),
        (lambda task: task.pop("annotations"), "export JSON, not JSON-MIN"),
        (lambda task: task.update(annotations=[]), "lists no image that is annotated"),
        (
            lambda task: task["annotations"][0]["result"][0].update(original_width=64),
            "task 7 was annotated on an image of 24x64 pixels, its image has 24x32",
        ),
        (
            lambda task: task["annotations"][0]["result"][0]["value"].update(brushlabels=["Dog"]),
            "category 'Dog' is no class: say which one it is, such as --class Dog=people",
        ),
        (
            lambda task: task["annotations"][0]["result"][0]["value"].update(rle=[0, 0, 12, 0, 57]),
            "brushlabels that cannot be read: the code ends too early",
        ),
        (
            lambda task: task["annotations"][0]["result"][0].update(type="rectanglelabels"),
            "boxes and points are no masks",
        ),
    ],
)
def test_an_export_that_does_not_fit_is_one_sentence_and_leaves_nothing(studio, run, tmp_path, change, message):
    status, output = run(studio(change))
    assert status == 2
    assert message in output
    assert not (tmp_path / "new").exists()


def test_hostile_codes_are_refused():
    for code in ([255] * 40, [0, 0, 0, 16, 56], [], [255, 255, 255, 255, 57, 26, 255, 0]):
        with pytest.raises(ValueError, match=r"early|words|long"):
            decode_rle(code)


LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nperson:250,50,83::\nhero:52,209,183::\n"
CVAT_COLOURS = [(0, 0, 0), (250, 50, 83), (52, 209, 183)]


@pytest.fixture
def cvat(tmp_path):
    """CVAT's export "Segmentation mask 1.1", with images."""
    root = tmp_path / "cvat"
    save_image(root / "JPEGImages" / "walk" / "a.png")
    save_mask(root / "SegmentationClass" / "walk" / "a.png", CVAT_COLOURS)
    save_mask(root / "SegmentationObject" / "walk" / "a.png", [(0, 0, 0), (128, 0, 0), (0, 128, 0)])
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    (root / "ImageSets" / "Segmentation" / "default.txt").write_text("walk/a\n")
    (root / "labelmap.txt").write_text(LABELMAP)
    return root


def test_cvats_masks_are_read_from_folder_and_zip(cvat, run, tmp_path):
    for source in (cvat, Path(shutil.make_archive(str(tmp_path / "export"), "zip", cvat))):
        status, output = run(source)
        assert status == 0, output
        assert "masks are read as black (background), #fa3253 (people) or #34d1b7 (hero)" in output
        check_imported(tmp_path)


def test_cvats_export_without_images_needs_their_folder(cvat, run, tmp_path):
    shutil.rmtree(cvat / "JPEGImages")
    status, output = run(cvat)
    assert status == 2
    assert "has no images: name their folder, --images DIR" in output
    save_image(tmp_path / "frames" / "a.png")
    assert run(cvat, "--images", str(tmp_path / "frames"))[0] == 0
    check_imported(tmp_path)


@pytest.mark.parametrize(
    ("labelmap", "message"),
    [
        (LABELMAP.replace("person", "walker"), "category 'walker' is no class"),
        (LABELMAP.replace("250,50,83", "250,50"), "expected a line such as person:255,0,0::"),
        (LABELMAP.replace("250,50,83", "250,50,999"), "expected a line such as person:255,0,0::"),
        (LABELMAP.replace("52,209,183", "1,2,3"), "each pixel must be"),
        ("# nothing\n", "names no colour"),
    ],
)
def test_a_labelmap_that_does_not_fit_is_one_sentence(cvat, run, tmp_path, labelmap, message):
    (cvat / "labelmap.txt").write_text(labelmap)
    status, output = run(cvat)
    assert status == 2
    assert message in output
    assert not (tmp_path / "new").exists()


def test_masks_of_any_colours_are_read_with_their_classes_given(run, tmp_path):
    save_image(tmp_path / "frames" / "a.png")
    save_mask(tmp_path / "masks" / "a_mask.png", [(9, 9, 99), (255, 0, 255), (20, 200, 250)], palette=False)
    images = ["--images", str(tmp_path / "frames")]
    status, output = run(tmp_path / "masks", *images)
    assert status == 2
    assert "#09095f" not in output
    assert "magenta" in output
    assert "say which class each colour is" in output
    colours = ["--class", "#090963=background", "--class", "#FF00FF=people", "--class", "#14c8fa=hero"]
    assert run(tmp_path / "masks", *images, *colours)[0] == 0
    check_imported(tmp_path)
    status, output = run(tmp_path / "masks", *images, *colours[:4])
    assert status == 2
    assert "name the others" in output


def test_known_colours_are_recognised_and_said(run, tmp_path):
    save_image(tmp_path / "frames" / "a.png")
    save_mask(tmp_path / "masks" / "a.png", [(0, 0, 0), (0, 255, 0), (0, 0, 255)])
    status, output = run(tmp_path / "masks", "--images", str(tmp_path / "frames"))
    assert status == 0
    assert "masks are read as black (background), green (people) or blue (hero)" in output
    check_imported(tmp_path)


def test_images_of_another_size_and_strangers_are_told(cvat, run, tmp_path):
    save_image(cvat / "JPEGImages" / "walk" / "b.png")
    status, output = run(cvat)
    assert status == 0
    assert "left out: 1 images and masks without a partner" in output
    save_image(cvat / "JPEGImages" / "walk" / "a.png", size=(8, 8))
    status, output = run(cvat)
    assert status == 2
    assert "a.png has the size (8, 8), annotated is (24, 32)" in output
