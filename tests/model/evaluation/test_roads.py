"""Roads in KITTI's layout are measured and drawn: by a network that takes what is grey for road."""

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout

import cv2
import keras
import numpy as np
import pytest

from dataset.layouts.kitti_road import COLOURS
from model import evaluate, segment
from model.weights import save_model
from model.weights.class_metadata import classes_as_metadata

SIZE = (32, 64)
GREY, BLUE = (120, 120, 120), (40, 60, 250)  # road, and all else
RED, MAGENTA, BLACK = (255, 0, 0), (255, 0, 255), (0, 0, 0)


def run(command, *arguments):
    """Exit status, and what is printed."""
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        return command.main(list(map(str, arguments))), output.getvalue()


def write(folder, number, labelled_from, ignored_from=32):
    """Write a frame whose lower half is grey, with a mask of a road from row `labelled_from` on."""
    image, mask = np.full((*SIZE, 3), BLUE, np.uint8), np.full((*SIZE, 3), RED, np.uint8)
    image[16:], mask[labelled_from:], mask[ignored_from:] = GREY, MAGENTA, BLACK
    for path, pixels in (
        (folder / "image_2" / f"um_{number:06d}.png", image),
        (folder / "gt_image_2" / f"um_road_{number:06d}.png", mask),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), pixels[..., ::-1])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roads") / "data_road"
    write(folder / "training", 0, 28)
    write(folder / "testing", 0, 16)
    write(folder / "testing", 1, 8, 24)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    image = keras.Input((*SIZE, 3))
    network = keras.Model(image, keras.layers.Softmax()(keras.layers.Conv2D(2, 1, name="grey")(image)))
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, :, 1] = 1, 0, -1
    network.get_layer("grey").set_weights([kernel, np.array([0, 20], np.float32)])
    path = tmp_path_factory.mktemp("model") / "grey.h5"
    return save_model(network, path, classes_as_metadata(COLOURS.classes))


def test_a_divided_dataset_is_evaluated_on_its_test_frames(data, model, tmp_path):
    status, printed = run(evaluate, model, data, "--json", tmp_path / "figures.json", "--overlays", tmp_path / "shown")
    assert status == 0, printed
    assert "2 of 3 frames, those for testing" in printed
    (figures,) = json.loads((tmp_path / "figures.json").read_text())
    # Rows, of 64 pixels: 16 hits and 16 true negatives; then 8 rows each of true negatives, misses, and hits.
    assert figures["iou"] == pytest.approx({"not road": 24 / 32, "road": 24 / 32})
    assert figures["max_f"]["f"] == pytest.approx(2 * 24 / (2 * 24 + 8))
    shown = cv2.imread(str(tmp_path / "shown" / "um_000000.jpeg"))[..., ::-1].astype(int)
    np.testing.assert_allclose(shown[4, 30], BLUE, atol=12)  # what is not road stays as it is
    assert shown[28, 30, 1] > shown[28, 30, 0] + 80  # green
    status, printed = run(evaluate, model, data, "--split", "training")
    assert status == 0, printed
    assert "1 of 3 frames, those for training" in printed
    status, printed = run(evaluate, model, data, "--split", "validation")
    assert status == 2
    assert "--split validation: the data have no frames for that; they are testing, training" in printed


def test_figures_are_of_the_pixels_of_the_masks_whatever_the_networks_size(data, model, tmp_path):
    write(tmp_path / "um", 0, 16)
    for path in (tmp_path / "um").rglob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path)).repeat(3, axis=0).repeat(2, axis=1))
    status, printed = run(evaluate, model, tmp_path / "um", "--json", tmp_path / "figures.json")
    assert status == 0, printed
    (figures,) = json.loads((tmp_path / "figures.json").read_text())
    assert sum(each["pixels"] for each in figures["confusion"].values()) == 96 * 128
    assert figures["mean_iou"] > 0.9  # the edge is between two pixels of the network


def test_a_folder_and_a_film_become_pictures_and_a_film(data, model, tmp_path):
    status, printed = run(segment, model, data / "testing" / "image_2", "--out", tmp_path / "first", "--fps", 5)
    assert status == 0, printed
    assert {path.name for path in (tmp_path / "first").iterdir()} == {"um_000000.jpeg", "um_000001.jpeg", "film.mp4"}
    status, printed = run(segment, model, tmp_path / "first" / "film.mp4", "--out", tmp_path / "second")
    assert status == 0, printed
    assert {path.name for path in (tmp_path / "second").iterdir()} == {"000000.jpeg", "000001.jpeg", "film.mp4"}
    film = cv2.VideoCapture(str(tmp_path / "second" / "film.mp4"))
    assert film.get(cv2.CAP_PROP_FPS) == 5
    shown = film.read()[1][..., ::-1].astype(int)
    assert shown.shape == (*SIZE, 3)
    assert shown[28, 30, 1] > shown[28, 30, 0] + 80
    status, printed = run(segment, model, data / "testing", "--out", tmp_path / "third")
    assert (status, "folders gt_image_2, image_2: give one of them" in printed) == (2, True)
    status, printed = run(segment, model, tmp_path / "none.mp4", "--out", tmp_path / "third")
    assert (status, "none.mp4 does not exist" in printed) == (2, True)
    (tmp_path / "text.mp4").write_text("no film")
    status, printed = run(segment, model, tmp_path / "text.mp4", "--out", tmp_path / "third")
    assert (status, "is not a film that OpenCV can read" in printed) == (2, True)
    status, printed = run(segment, model, tmp_path / "first", "--out", tmp_path / "second")
    assert (status, "expected a new or empty folder for --out" in printed) == (2, True)
    assert not (tmp_path / "third").exists()


def test_a_damaged_image_among_others_is_left_out_and_any_rate_is_written(data, model, tmp_path):
    shutil.copytree(data / "testing" / "image_2", tmp_path / "photos")
    (tmp_path / "photos" / "um_000000a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    status, printed = run(segment, model, tmp_path / "photos", "--out", tmp_path / "out", "--fps", 119.881)
    assert status == 0, printed
    assert f"left out: {tmp_path / 'photos' / 'um_000000a.png'} " in printed
    assert "2 pictures and film.mp4" in printed
    film = cv2.VideoCapture(str(tmp_path / "out" / "film.mp4"))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(119.88, abs=0.01)
