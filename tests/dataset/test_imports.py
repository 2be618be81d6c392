"""Import of what CVAT, Label Studio and others have annotated: exact, or refused in one sentence."""

import copy
import json
import shutil
import zipfile
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


def test_texts_beside_the_image_are_not_taken_for_it(studio, run, tmp_path):
    export = studio(lambda task: task.update(data={"source": "meadow v1.2", "image": "a.png"}))
    export.write_text(export.read_text(), encoding="utf-8-sig")  # as editors of Windows save it
    assert run(export)[0] == 0
    check_imported(tmp_path)


def import_two(studio, run, tmp_path: Path, addresses: tuple[str, str], files: list[str]) -> tuple[int, str]:
    """Import two tasks, of which the first has the truth and the second nobody, with images of these names."""
    export = studio()
    first, second = (copy.deepcopy(EXPORT[0]) | {"id": n, "data": {"image": each}} for n, each in enumerate(addresses))
    second["annotations"] = [{"result": []}]
    export.write_text(json.dumps([first, second]))
    (tmp_path / "images" / "a.png").unlink()
    for number, name in enumerate(files):
        save_image(tmp_path / "images" / name)
        (tmp_path / "images" / name).write_bytes((tmp_path / "images" / name).read_bytes() + bytes([number]))
    return run(export)


@pytest.mark.parametrize(
    ("addresses", "files", "taken"),
    [
        (("/data/local-files/?d=sub/a.png", "b.png"), ["a.png", "sub/a.png", "b.png"], [1, 2]),
        (("/d/?d=meadow/000001.png", "/d/?d=beach/000001.png"), ["beach/000001.png", "meadow/000001.png"], [1, 0]),
        (("/d/?d=our/meadow/1.png", "/d/?d=our/beach/1.png"), ["1.png", "meadow/1.png", "beach/1.png"], [1, 2]),
        (
            ("1a2b3c4d-550e8400-e29b-41d4.png", "1a2b3c4d-e29b41d4-e29b-41d4.png"),
            ["550e8400-e29b-41d4.png", "e29b41d4-e29b-41d4.png"],
            [0, 1],
        ),
    ],
)
def test_images_of_one_name_are_told_apart_by_their_folders(studio, run, tmp_path, addresses, files, taken):
    status, output = import_two(studio, run, tmp_path, addresses, files)
    assert status == 0, output
    images = sorted((tmp_path / "new" / "images").iterdir())
    assert [image.read_bytes()[-1] for image in images] == taken


@pytest.mark.parametrize(
    ("addresses", "file"),
    [
        (("/data/upload/1/1a2b3c4d-000001.png", "/data/upload/1/5e6f7a8b-000001.png"), "000001.png"),
        (("/data/local-files/?d=a/1.png", "/data/local-files/?d=b/1.png"), "a/1.png"),
    ],
)
def test_one_image_does_not_get_the_labels_of_two(studio, run, tmp_path, addresses, file):
    status, output = import_two(studio, run, tmp_path, addresses, [file])
    assert status == 2
    assert f"{file} is the only image for both" in output
    assert not (tmp_path / "new").exists()


def test_of_several_annotations_the_last_one_that_was_not_skipped_counts(studio, run, tmp_path):
    def add(task: dict) -> None:
        task["annotations"].insert(0, {"result": task["annotations"][0]["result"][:1]})
        task["annotations"].append({"result": [], "was_cancelled": True})

    assert run(studio(add))[0] == 0
    check_imported(tmp_path)


def test_a_folder_of_images_that_is_not_there_is_told(studio, masks, run, tmp_path):
    tasks = write_tasks(tmp_path, EXPORT)
    for source, *options in ((studio(),), (masks, *tasks)):
        status, output = run(source, *options, "--images", str(tmp_path / "nowhere"))
        assert status == 2
        assert f"no folder {tmp_path / 'nowhere'}" in output
    status, output = run(masks, "--tasks", str(tmp_path / "nothing.json"))
    assert status == 2
    assert f"there is no file {tmp_path / 'nothing.json'}" in output


def test_answers_about_a_region_and_what_was_skipped_do_not_matter(studio, run, tmp_path):
    """An answer has the region's shape; a skipped annotation may have regions of any kind."""

    def answer(task: dict) -> None:
        annotation = task["annotations"][0]
        shape = annotation["result"][0]
        value = {**shape["value"], "choices": ["occluded"]}
        value.pop("brushlabels")
        annotation["result"].append({**shape, "type": "choices", "value": value})
        box = {**shape, "type": "rectanglelabels", "value": {"x": 1, "y": 1, "rectanglelabels": ["Hero"]}}
        task["annotations"].insert(0, {"result": [box], "was_cancelled": True})

    assert run(studio(answer))[0] == 0
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
        (lambda task: task.update(image=task.pop("data")["image"]), "export JSON, not JSON-MIN"),
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
            "expected regions of brushlabels and polygonlabels, got rectanglelabels",
        ),
        (
            lambda task: task["annotations"][0]["result"][0].update(type="bitmasklabels"),
            "expected regions of brushlabels and polygonlabels, got bitmasklabels",
        ),
        (
            lambda task: task["annotations"][0]["result"][0]["value"].pop("brushlabels"),
            "expected a class for each region of brushlabels, but one has none",
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


PNG_EXPORT = Path(__file__).with_name(
    "label_studio_png.zip"
)  # of EXPORT, written by `label_studio_converter.Converter`
HERO_MASK = "task-7-annotation-1-by-adab@example.org-tag-Hero-0.png"


@pytest.fixture
def masks(tmp_path):
    """Label Studio's PNG export, unpacked, and the image of its task."""
    with zipfile.ZipFile(PNG_EXPORT) as archive:
        archive.extractall(tmp_path / "masks")
    save_image(tmp_path / "images" / "a.png")
    return tmp_path / "masks"


def write_tasks(folder: Path, tasks: object) -> list[str]:
    """Write Label Studio's list of tasks; return the options that name it."""
    (folder / "tasks.json").write_text(json.dumps(tasks))
    return ["--tasks", str(folder / "tasks.json")]


@pytest.mark.parametrize("tasks", [EXPORT, [{"image": "/data/upload/1/3f2a1b4c-a.png", "id": 7, "annotator": 1}]])
def test_label_studios_masks_are_read_with_its_tasks(masks, run, tmp_path, tasks):
    """The tasks are those of its exports JSON and JSON-MIN."""
    for source in (masks, Path(shutil.copy(PNG_EXPORT, tmp_path / "export.zip"))):
        status, output = run(source, *write_tasks(tmp_path, tasks))
        assert status == 0, output
        check_imported(tmp_path)


def test_label_studios_masks_are_read_with_images_named_by_task(masks, run, tmp_path):
    (tmp_path / "images" / "a.png").rename(tmp_path / "images" / "task-7.png")
    save_image(tmp_path / "images" / "task-8.png")
    (masks / ".DS_Store").touch()
    status, output = run(masks)
    assert status == 0, output
    assert "left out: 1 tasks without a mask; the JSON export tells which have no target" in output
    check_imported(tmp_path)


def test_the_masks_of_the_last_annotation_count(masks, run, tmp_path):
    shutil.copy(masks / HERO_MASK.replace("Hero", "Person"), masks / HERO_MASK.replace("annotation-1", "annotation-0"))
    status, output = run(masks, *write_tasks(tmp_path, EXPORT))
    assert status == 0, output
    assert "left out: 1 masks of annotations that were not the last of their task" in output
    check_imported(tmp_path)


def test_names_with_hyphens_are_classes(masks, run, tmp_path):
    (masks / HERO_MASK).rename(masks / HERO_MASK.replace("tag-Hero", "my-tag-far-hero"))
    tasks = write_tasks(tmp_path, EXPORT)
    assert run(masks, *tasks)[0] == 0  # what is before the hyphen could be the control's name
    check_imported(tmp_path)
    assert run(masks, *tasks, "--class", "far-hero=background")[0] == 0
    (record,) = open_recording(tmp_path / "new").frames
    assert record.hero_pixels == 0


def test_regions_of_different_classes_that_overlap_are_told(masks, run, tmp_path):
    Image.fromarray(np.full((ROWS, COLUMNS), 255, np.uint8)).save(masks / HERO_MASK.replace("Hero", "pedestrian"))
    status, output = run(masks, *write_tasks(tmp_path, EXPORT))
    assert status == 0
    assert "regions of different classes overlap in 1 frames: there the hero is on top" in output
    (record,) = open_recording(tmp_path / "new").frames
    assert record.hero_pixels == np.count_nonzero(truth() == HERO)
    assert record.people_pixels == ROWS * COLUMNS - record.hero_pixels


@pytest.mark.parametrize(
    ("change", "tasks", "message"),
    [
        (lambda mask: None, None, "these masks name tasks, not images: give Label Studio's export JSON or JSON-MIN"),
        (lambda mask: None, {"images": []}, "expected Label Studio's export JSON or JSON-MIN"),
        (lambda mask: None, [{"id": 7, "data": {"text": "hello"}}], "task 7 names no image file"),
        (lambda mask: None, [{"id": 8, "image": "a.png"}], "no image is known for task 7"),
        (lambda mask: shutil.rmtree(mask.parent) or mask.parent.mkdir(), EXPORT, "has no mask named such as task-7-"),
        (lambda mask: mask.rename(mask.with_name("Hero-0.png")), EXPORT, "Hero-0.png is named otherwise"),
        (lambda mask: mask.rename(mask.with_suffix(".npy")), EXPORT, "Hero-0.npy is named otherwise"),
        (
            lambda mask: mask.rename(mask.with_name(mask.name.replace("Hero", "big-dog"))),
            EXPORT,
            "category 'big-dog' is no class: say which one it is, such as --class big-dog=people",
        ),
        (lambda mask: save_image(mask, (8, 4)), EXPORT, "expected a grey mask, got colours"),
        (
            lambda mask: Image.new("L", (8, 4)).save(mask),
            EXPORT,
            "a.png have different sizes, 4x8 and 24x32 pixels",
        ),
        (lambda mask: mask.write_bytes(mask.read_bytes()[:60]), EXPORT, "Hero-0.png"),
    ],
)
def test_masks_of_label_studio_that_do_not_fit_are_one_sentence(masks, run, tmp_path, change, tasks, message):
    change(masks / HERO_MASK)
    status, output = run(masks, *(write_tasks(tmp_path, tasks) if tasks else []))
    assert status == 2
    assert message in output
    assert not (tmp_path / "new").exists()


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


EXPORTED = Path(__file__).with_name("cvat_segmentation.zip")  # by Datumaro, which CVAT writes this format with


@pytest.fixture(params=[True, False], ids=["zip", "folder"])
def exported(request, tmp_path):
    """The truth in evening/000000.png, and morning/000000.png, in which nothing is annotated."""
    if request.param:
        return EXPORTED
    with zipfile.ZipFile(EXPORTED) as archive:
        archive.extractall(tmp_path / "exported")
    return tmp_path / "exported"


def check_evening_and_morning(tmp_path: Path) -> None:
    """Assert that the new recording has the truth in its first frame, and nothing in its second one."""
    masks = [(tmp_path / "new" / "masks" / f"00000{number}.png").read_bytes() for number in range(2)]
    evening, morning = (decode_labels(mask, (ROWS, COLUMNS)) for mask in masks)
    np.testing.assert_array_equal(evening, truth())
    assert not morning.any()
    assert [record.label_source for record in open_recording(tmp_path / "new").frames] == ["person"] * 2


def test_frames_of_the_same_name_and_those_without_anybody_are_read(exported, run, tmp_path):
    status, output = run(exported)
    assert status == 0, output
    assert "1 images have no mask: nothing is annotated there, all is background" in output
    assert "left out" not in output
    check_evening_and_morning(tmp_path)


def test_several_exports_in_one_folder_are_read_together(run, tmp_path):
    with zipfile.ZipFile(EXPORTED) as archive:
        for name in "first", "second":
            archive.extractall(tmp_path / "exports" / name)
    status, output = run(tmp_path / "exports")
    assert status == 0, output
    assert "2 images have no mask" in output
    targets = [record.hero_pixels > 0 for record in open_recording(tmp_path / "new").frames]
    assert targets == [True, False, True, False]


def write_second_export(cvat: Path, labelmap: str, colours: list[tuple[int, int, int]]) -> Path:
    """Write another export of CVAT beside the first one; return the folder of both."""
    second = cvat.parent / "exports" / "second"
    save_image(second / "JPEGImages" / "a.png")
    save_mask(second / "SegmentationClass" / "a.png", colours)
    (second / "labelmap.txt").write_text(labelmap)
    cvat.rename(second.with_name("first"))
    return second.parent


def test_each_of_several_exports_has_its_own_colours(cvat, run, tmp_path):
    other = LABELMAP.replace("250,50,83", "9,8,7").replace("52,209,183", "50,60,70")
    exports = write_second_export(cvat, other, [(0, 0, 0), (9, 8, 7), (50, 60, 70)])
    status, output = run(exports)
    assert status == 0, output
    for record in open_recording(tmp_path / "new").frames:
        mask = (tmp_path / "new" / "masks" / f"{record.frame}.png").read_bytes()
        np.testing.assert_array_equal(decode_labels(mask, (ROWS, COLUMNS)), truth())


def test_a_colour_of_two_classes_in_several_exports_is_told(cvat, run, tmp_path):
    people, hero = (250, 50, 83), (52, 209, 183)
    swapped = LABELMAP.replace("person", "x").replace("hero", "person").replace("x:", "hero:")
    exports = write_second_export(cvat, swapped, [(0, 0, 0), hero, people])
    status, output = run(exports)
    assert status == 2
    assert "second/labelmap.txt: expected one class for each colour, but #fa3253 is people and hero" in output
    assert not (tmp_path / "new").exists()


def test_cocos_own_folders_are_read(run, tmp_path):
    """As Datumaro writes them: images/default/evening/000000.png, called evening/000000.png, and annotations/."""
    with zipfile.ZipFile(Path(__file__).with_name("datumaro_coco.zip")) as archive:
        archive.extractall(tmp_path / "coco")
    status, output = run(tmp_path / "coco" / "annotations" / "instances_default.json")
    assert status == 0, output
    check_evening_and_morning(tmp_path)


def test_masks_of_the_same_name_in_other_folders_are_told(run, tmp_path):
    for folder in "evening", "morning":
        save_image(tmp_path / "frames" / folder / "a.png")
        save_mask(tmp_path / "masks" / f"{folder}_masks" / "a.png", [(0, 0, 0), (0, 255, 0), (0, 0, 255)])
    status, output = run(tmp_path / "masks", "--images", str(tmp_path / "frames"))
    assert status == 2
    assert "have the same name: give the folders of masks the names of those of their images" in output
    for folder in "evening", "morning":
        (tmp_path / "masks" / f"{folder}_masks").rename(tmp_path / "masks" / folder)
    assert run(tmp_path / "masks", "--images", str(tmp_path / "frames"))[0] == 0
    assert len(open_recording(tmp_path / "new").frames) == 2


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
