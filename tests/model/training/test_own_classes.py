"""Classes of a dataset's own, and frames that are not square: trained, evaluated, compared, exported, flown."""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import cv2
import numpy as np
import pytest

from model import compare, evaluate
from model.inference.load import load_agent_segmenter
from model.training.run_folder import RunFolder
from model.weights import load_model
from tests.model.own_classes import CLASSES_TOML, MASK_COLOURS, NAMES, SIZE, WITH_TARGET, write_dataset
from tests.model.training.train_command import train

pytestmark = pytest.mark.training

SETTINGS = """
preset = "pyramid"
network = {widths = [12, 16, 24], blocks = [0, 1, 1], convolutions = [1, 1]}
input_size = [64, 96]
batch_size = 8
full_frame_batch_size = 6
steps_per_epoch = 15
epochs = 5
validation_interval = 5
learning_rate = 0.01
[augmentation]
crop = [32, 48]
"""


def run_command(command, *arguments):
    """Exit status and output of a command."""
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output), patch.dict(os.environ, COLUMNS="300"):
        status = command.main(list(map(str, arguments)))
    return status, output.getvalue()


def options(folder, run):
    return (
        *("--data", folder / "train", "--validation", folder / "validation"),
        *("--settings", folder / "settings.toml", "--run", run, "--cache", folder / "cache"),
    )


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """Data of four classes without a target, and the run folder of a training on them."""
    folder = tmp_path_factory.mktemp("road")
    write_dataset(folder / "train", 24)
    write_dataset(folder / "validation", 8, seed=1)
    (folder / "settings.toml").write_text(SETTINGS)
    status, printed = train(*options(folder, folder / "run"))
    assert status == 0, printed
    (folder / "printed.txt").write_text(printed)
    return folder


def test_four_classes_are_learnt_and_each_has_its_iou(road):
    printed = (road / "printed.txt").read_text()
    assert "classes: sky, road, car, cone (no target)" in printed
    assert "black (ignored)" in printed
    status, shown = run_command(
        evaluate, road / "run" / "best.h5", road / "validation", "--json", road / "figures.json", "--worst", 2, road
    )
    assert status == 0, shown
    assert "tells apart sky, road, car, cone (no target)" in shown
    assert "pixel accuracy" in shown
    assert "False positives" not in shown
    (figures,) = json.loads((road / "figures.json").read_text())
    assert list(figures["iou"]) == list(NAMES)
    assert min(figures["iou"].values()) > 0.7, figures["iou"]
    assert figures["mean_iou"] == pytest.approx(np.mean(list(figures["iou"].values())))
    counted = sum(each["pixels"] for each in figures["confusion"].values())
    assert counted == 8 * (SIZE[0] - 4) * SIZE[1]  # without the ignored rows
    sheet = cv2.imread(str(road / "best.h5.png"))[..., ::-1]
    assert all((sheet == colour).all(axis=2).any() for colour in MASK_COLOURS)  # the legend


def test_ious_are_those_of_a_count_by_hand(road):
    status, _ = run_command(
        compare, road / "run" / "best.h5", road / "run" / "last.h5", road / "validation", "--out", road / "compared"
    )
    assert status == 0
    about = json.loads((road / "compared" / "comparison.json").read_text())
    assert [each["name"] for each in about["classes"]] == list(NAMES)
    assert [each["colour"] for each in about["classes"]] == ["#4682b4", "#804080", "#00008e", "#ffffff"]
    hits, union = np.zeros(4), np.zeros(4)
    for file in sorted((road / "validation" / "masks").iterdir()):
        truth = cv2.imread(str(file))[..., ::-1]
        drawn = cv2.imread(str(road / "compared" / "first" / f"{int(file.stem):06d}.png"))[..., ::-1]
        for label, colour in enumerate(MASK_COLOURS):
            one, other = (truth == colour).all(axis=2), (drawn == colour).all(axis=2)
            hits[label] += (one & other)[:-4].sum()
            union[label] += (one | other)[:-4].sum()
    run_command(evaluate, road / "run" / "best.h5", road / "validation", "--json", road / "figures.json")
    (figures,) = json.loads((road / "figures.json").read_text())
    np.testing.assert_allclose(list(figures["iou"].values()), hits / union, atol=1e-6)
    rows = [json.loads(line) for line in (road / "compared" / "frames.jsonl").read_text().splitlines()]
    assert all(0 <= value <= 1 for row in rows for value in row["mean_iou"])
    ignored = cv2.imread(str(road / "compared" / "ground_truth" / "000000.png"), cv2.IMREAD_UNCHANGED)
    assert (ignored[-4:, :, 3] == 0).all()
    assert (ignored[:-4, :, 3] == 255).all()


def test_the_run_folder_has_columns_of_these_classes(road):
    row = RunFolder(road / "run").results()[-1]
    assert {f"iou {name}" for name in NAMES} | {"mean_iou", "mean_iou_train", "pixel_accuracy"} <= row.keys()
    assert not any("hero" in key for key in row)
    assert row["score"] == row["mean_iou"]
    assert (road / "run" / "examples.png").is_file()
    assert json.loads((road / "run" / "manifest.json").read_text())["train"]["classes"].startswith("sky, road")


def test_a_model_knows_its_classes_and_is_not_flown_without_a_target(road):
    loaded = load_model(road / "run" / "best.h5")
    assert (loaded.input_size, loaded.model.output_shape) == (SIZE, (None, *SIZE, 4))
    assert str(loaded.classes) == "sky, road, car, cone (no target)"
    assert loaded.classes.colours == (0x4682B4, 0x804080, 0x00008E, 0xFFFFFF)
    with pytest.raises(
        ValueError,
        match=r"best\.h5 tells apart sky, road, car, cone \(no target\): for flights and their labels, a model needs",
    ):
        load_agent_segmenter(str(road / "run" / "best.h5"))


def test_classes_that_differ_are_refused_before_anything_is_trained(road, tmp_path):
    other = write_dataset(tmp_path / "other", 3, classes=CLASSES_TOML.replace("cone", "bollard"))
    base = ("--data", road / "train", "--run", tmp_path / "run", "--cache", tmp_path / "cache")
    status, printed = train(*base, "--validation", other, "--settings", road / "settings.toml")
    assert status == 2
    assert "sky, road, car, cone (no target), but" in printed
    assert "has sky, road, car, bollard (no target)" in printed
    status, printed = train("--data", other, *base[2:], "--init", road / "run" / "last.h5")
    assert status == 2
    assert "last.h5 tells apart sky, road, car, cone (no target), but the classes of the data are sky, road" in printed
    status, printed = run_command(evaluate, road / "run" / "best.h5", other)
    assert status == 2
    assert "best.h5 tells apart sky, road, car, cone" in printed
    (tmp_path / "mine.toml").write_text(f"{SETTINGS}\n[loss]\nclass_weights = [1, 2]\n")
    status, printed = train(*base, "--validation", road / "validation", "--settings", tmp_path / "mine.toml")
    assert status == 2
    assert "loss.class_weights: expected a weight for each of" in printed
    assert not (tmp_path / "run" / "results.csv").exists()


def test_colours_that_no_class_has_are_named_before_training(road, tmp_path):
    folder = write_dataset(tmp_path / "bad", 4)
    file = folder / "masks" / "0002.png"
    mask = cv2.imread(str(file))
    mask[:40] = (12, 200, 77)[::-1]
    cv2.imwrite(str(file), mask)
    status, printed = train("--data", folder, "--run", tmp_path / "run", "--cache", tmp_path / "cache")
    assert status == 2
    assert "0002.png" in printed
    assert "each pixel must be #4682b4 (sky), #804080 (road), #00008e (car), white (cone) or black (ignored)" in printed
    assert "#0cc84d" in printed


def test_a_training_names_a_target_in_data_without_classes_which_is_measured_and_flown(road, tmp_path):
    """The road's network learns on, with cars as the target, which its data do not say, but the command does."""
    data, run, classes = write_dataset(tmp_path / "plain", 16, classes=""), tmp_path / "run", tmp_path / "mine.toml"
    classes.write_text(WITH_TARGET)
    validation = write_dataset(tmp_path / "other", 6, seed=7, classes=WITH_TARGET)
    status, printed = train(
        *("--data", data, "--validation", validation, "--classes", classes),
        *("--settings", road / "settings.toml", "--epochs", 1, "--validation-interval", 1),
        *("--run", run, "--cache", tmp_path / "cache"),
        *("--init", road / "run" / "last.h5", "--preset", "pyramid"),
    )
    assert status == 0, printed
    row = RunFolder(run).results()[-1]
    assert {"car_iou", "car_iou_train", "iou cone", "recall over 400 px", "false_positive_rate"} <= row.keys()
    assert float(row["car_iou"]) > 0.5

    assert run_command(evaluate, run / "best.h5", data)[0] == 2  # nothing says what its colours mean
    status, shown = run_command(evaluate, run / "best.h5", data, "--classes", classes, "--by", "size")
    assert status == 0, shown
    assert "car IoU" in shown
    assert "hero" not in shown

    segmenter = load_agent_segmenter(str(run / "best.h5"))
    image, mask = (cv2.imread(str(data / name / "0001.png"))[..., ::-1] for name in ("images", "masks"))
    (probabilities,) = segmenter.predict(image[None])
    assert probabilities.shape == (*SIZE, 3)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)
    car, found = (mask == MASK_COLOURS[2]).all(axis=2), probabilities[..., 2] > 0.5
    assert (car & found).sum() > 0.5 * (car | found).sum()


def test_masks_of_one_class_only_have_nothing_to_learn_from(tmp_path):
    data = write_dataset(tmp_path / "data", 3)
    for file in (data / "masks").iterdir():
        cv2.imwrite(str(file), np.full((*SIZE, 3), MASK_COLOURS[1][::-1], np.uint8))
    status, printed = train("--data", data, "--run", tmp_path / "run", "--cache", tmp_path / "cache")
    assert status == 2
    assert "all 3 masks are road only: there is nothing to learn" in printed
