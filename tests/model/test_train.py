"""The training command as a person uses it: it learns, and it says what is wrong."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataset.pairs import find_pairs
from model.data.batches import make_batch
from model.data.packed_frames import pack
from model.evaluation.previews import GROUND_TRUTH, PREDICTION
from model.networks import build
from model.training.examples import choose_examples, draw_examples
from model.training.run_folder import RunFolder
from model.training.settings import LossSettings, SettingsError, load_settings
from model.training.trainer import Trainer
from model.training.validation import validate
from model.weights import load_model, read_seen_in_training, save_model
from tests.model.labelled_frames import draw_labels, write_dataset
from tests.model.train_command import arguments, train, write_data

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("frames"))


def test_a_training_leaves_a_model_that_loads_and_a_folder_that_tells(data, tmp_path):
    run = tmp_path / "run"
    status, printed = train(*arguments(data, run), "--epochs", 4, "--validate-every", 4)
    assert status == 0, printed
    assert "By the hero's size" in printed
    names = {path.name for path in run.iterdir()}
    assert {"arguments.json", "settings.json", "manifest.json", "versions.json", "results.csv", "results.png"} <= names
    assert {"best.h5", "last.h5", "checkpoint.npz", "validation.md", "examples.png"} <= names
    assert [path.name for path in (run / "worst").iterdir()] == ["best.h5.png"]
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["train"]["runs"] == {"learn/run_1": 9}
    assert len(set(manifest["train"]["images"].values())) == 9

    rows = RunFolder(run).results()
    assert [row["epoch"] for row in rows] == [str(number) for number in range(1, 5)]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert 0 <= float(rows[-1]["hero_iou_train over 400 px"]) <= 1
    assert [row["score"] != "" for row in rows] == [False, False, False, True]
    assert 0 < float(rows[-1]["cross_entropy"]) < 10
    digests = [int(each[:16], 16) for each in manifest["train"]["images"].values()]
    assert sorted(read_seen_in_training(run / "best.h5").tolist()) == sorted(digests)
    loaded = load_model(run / "last.h5")
    probabilities = np.asarray(loaded.model(np.zeros((1, *loaded.input_size, 3), np.float32)))
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-4)


def test_a_folder_of_before_the_validation_loss_goes_on(tmp_path):
    run = RunFolder(tmp_path)
    run.append_results({"epoch": 1, "minutes": 0.5, "loss": 0.8, "score": 0.1})
    run.append_results({"epoch": 2, "minutes": 1.0, "loss": 0.7, "score": 0.2, "cross_entropy": 0.05})
    assert [row["cross_entropy"] for row in run.results()] == ["", "0.05"]
    run.plot()
    assert (tmp_path / "results.png").stat().st_size > 1000


def test_a_model_learns_from_another(data, tmp_path):
    """Without labels to speak of: what is learnt is that teacher's, who says hero everywhere."""
    teacher = build("fcn-1")
    kernel, bias = teacher.get_layer("logits").get_weights()
    teacher.get_layer("logits").set_weights([0 * kernel, np.array([0.0, 0.0, 5.0], np.float32) + 0 * bias])
    save_model(teacher, tmp_path / "teacher.h5", {})
    settings = (data / "settings.toml").read_text() + "[loss]\nteachers = 1.0\n"
    (tmp_path / "settings.toml").write_text(settings)
    given = [*arguments(data, tmp_path / "run"), "--settings", tmp_path / "settings.toml", "--epochs", 8]
    status, printed = train(*given, "--teacher", tmp_path / "teacher.h5")
    assert status == 0, printed
    seen = load_model(tmp_path / "run" / "last.h5").model(np.full((1, 160, 160, 3), 90, np.float32))
    assert np.asarray(seen)[..., 2].mean() > 0.8
    status, printed = train(*arguments(data, tmp_path / "other"), "--teacher", tmp_path / "nobody.h5")
    assert status == 2
    assert "nobody.h5" in printed


def test_examples_are_heroes_of_all_sizes_and_a_frame_without(data, tmp_path):
    frames = pack(find_pairs(data / "measure")[0], tmp_path / "cache", 256)
    rows = choose_examples(frames)
    areas = frames.areas[rows, 2].tolist()
    assert areas[:-1] == sorted(frames.areas[:, 2].tolist())[-4:]  # every third of the six shows nobody to follow
    assert areas[-1] == 0
    drawn = draw_examples(lambda images: np.eye(3)[frames.labels[rows]], frames)  # sees what is there
    outlines = ((drawn == GROUND_TRUTH).all(axis=2).sum(), (drawn == PREDICTION).all(axis=2).sum())
    assert outlines[1] > 100 > outlines[0] - 15 * 13  # the prediction's outline covers the truth's, the legend aside
    assert choose_examples(replace(frames, left_out=frozenset(range(5)))) == [5]


def test_bad_data_stops_before_training_with_the_name(data, tmp_path):
    folder = write_dataset(tmp_path / "bad", 3)
    (folder / "masks" / "run_1_mask_00001.png").unlink()
    status, printed = train("--data", folder, "--run", tmp_path / "run", "--cache", tmp_path / "cache")
    assert status == 2
    assert "run_1_cam1_00001.jpeg" in printed
    assert "--skip-bad" in printed
    assert "run_1_cam1_00001.jpeg" in (tmp_path / "run" / "problems.txt").read_text()
    assert not (tmp_path / "run" / "results.csv").exists()


def test_what_cannot_start_is_one_sentence(data, tmp_path):
    assert "--data" in train("--run", tmp_path / "run")[1]
    assert "arguments.json" in train("--resume", tmp_path / "nowhere")[1]
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "checkpoint.npz").write_bytes(b"")
    assert "--resume" in train("--data", data / "learn", "--run", tmp_path / "held")[1]


def test_tensorboard_is_asked_for_by_name_where_it_is_missing(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    status, printed = train(*arguments(data, tmp_path / "run"), "--tensorboard")
    assert status == 2
    assert "pip install tensorboard" in printed


def test_an_unknown_setting_names_its_neighbour(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[augmentation]\npaste_heros_share = 0.1\n")
    with pytest.raises(SettingsError, match=r"paste_heros_share.*paste_hero_share"):
        load_settings(file)
    file.write_text('batch_size = "many"\n')
    with pytest.raises(SettingsError, match="batch_size must be of type int"):
        load_settings(file)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("[loss]\nfalse_hero = [0.4]", r"loss.false_hero must be 2 numbers like \[0.3, 0.42\], got \[0.4\]"),
        ('[loss]\nclass_weights = [1, 2, "3"]', "loss.class_weights must be 3 numbers"),
        ("full_frame_batch = 0", "full_frame_batch must be at least 1, got 0"),
        ("[augmentation]\ncrop = 0", "augmentation.crop must be at least 1, got 0"),
        ("learning_rate = 0.0", "learning_rate must be above 0"),
        (
            "[augmentation]\nzoom_range = [0.001, 2]",
            r"augmentation.zoom_range must be two of 0.1 to 10, .* got \[0.001, 2\]",
        ),
        ("[augmentation]\nzoom_range = [2.0, 0.5]", "augmentation.zoom_range must be .* ascending"),
        ("[augmentation]\nhero_brightness = 0", "augmentation.hero_brightness must be above 0, got 0"),
        ("[augmentation]\ncamera_quality = 101", "augmentation.camera_quality must be 0 to 100, got 101"),
    ],
)
def test_a_setting_that_no_training_can_have_is_named(tmp_path, setting, message):
    (tmp_path / "mine.toml").write_text(setting)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path / "mine.toml")


def test_crops_that_the_network_does_not_take_are_refused_before_frames_are_read(data, tmp_path):
    (tmp_path / "mine.toml").write_text('preset = "fcn-2"\n[augmentation]\ncrop = 67\n')
    status, printed = train(*arguments(data, tmp_path / "run"), "--settings", tmp_path / "mine.toml")
    assert status == 2
    assert "augmentation.crop: the network does not take crops of 67 pixels" in printed


@pytest.mark.parametrize("option", ["--minutes=0", "--minutes=-5", "--minutes=nan", "--epochs=0", "--validate-every=0"])
def test_a_length_that_is_none_is_refused(tmp_path, capsys, option):
    with pytest.raises(SystemExit, match="2"):
        train("--data", tmp_path, option)
    assert f"argument {option.partition('=')[0]}: expected a" in capsys.readouterr().err


@pytest.mark.parametrize("preset", ["fcn-1", "fcn-2", "fcn-4", "fcn-5"])
def test_what_goes_on_learns_at_half_the_rate(preset):
    settings = load_settings(overrides={"preset": preset})
    assert settings.init_learning_rate == settings.learning_rate / 2


def test_validation_counts_by_hand():
    """Four frames: a far hero found, one missed, a near hero half found, and a wrong hero."""
    labels = np.zeros((4, 64, 64), np.uint8)
    seen = np.zeros((4, 64, 64, 3), np.float32)
    seen[..., 0] = 1
    labels[0, 0:4, 0:5] = 2
    seen[0, 0:4, 0:5, 2] = 0.9
    labels[1, 10:14, 0:5] = 2
    labels[2, 0:40, 0:20] = 2
    seen[2, 0:20, 0:20, 2] = 0.8
    seen[3, 0:3, 0:3, 2] = 0.7
    answers = iter(seen)
    predict, images = lambda images: np.stack([next(answers) for _ in images]), np.zeros((4, 64, 64, 3))
    measured = validate(predict, images, labels, 2, class_weights=(1.0, 6.0, 8.0))
    # Pixels of the hero, of weight 8: 20 found and 20 missed, 400 found and 400 missed; a probability is at least 1e-6.
    logs = 20 * np.log(0.9) + 400 * np.log(0.8) + (20 + 400) * np.log(1e-6)
    assert measured.cross_entropy == pytest.approx(-8 * logs / (4 * 64 * 64), rel=1e-3)
    # In a frame of 64x64 a pixel counts 16 times: 20 pixels are 320 of a frame of 256x256.
    assert measured.iou_by_size[2] == pytest.approx(0.5)
    assert measured.iou_by_size[3] == pytest.approx(0.5)
    assert measured.recall_by_size[2] == pytest.approx(0.5)
    assert measured.false_heroes == 1.0
    # Mean of far (0.5) and near (0.5) IoU, times TP 2 / (TP 2 + FP 1 + FN 1).
    assert measured.score == pytest.approx(0.5 * 0.5)


def test_labels_of_the_test_frames_hold_what_they_should():
    assert set(np.unique(draw_labels(np.random.default_rng(0)))) == {0, 1, 2}


STUDENTS = {
    "fcn-1": (0.1, 0.1, 64),
    "fcn-2": (0.001, 0.001, 30),
    "fcn-4": (0.01, 0.005, 80),
    "fcn-5": (0.005, 0.005, 48),
}


@pytest.mark.parametrize("preset", STUDENTS)
def test_students_networks_train_as_their_authors_did(preset, tmp_path):
    settings = load_settings(overrides={"preset": preset})
    first, later, batch = STUDENTS[preset]
    trainer = Trainer.__new__(Trainer)
    trainer.settings, trainer.precision = settings, settings.mixed_precision
    assert [trainer.learning_rate(progress) for progress in (0, 0.49, 0.5, 0.99)] == [first, first, later, later]
    assert settings.batch_size == batch
    assert type(trainer._optimizer()).__name__ == "Adam"
    # An untouched frame, as drawn: whole, not mirrored, in its own light.
    folder = write_dataset(tmp_path / "frames", 2, size=160)
    frames = pack(find_pairs(folder)[0], tmp_path / "cache", 160)
    images, labels = make_batch(frames, [0, 0], [(-1, -1)] * 2, [0, 1], settings.augmentation)
    np.testing.assert_array_equal(images[0], frames.images[0])
    np.testing.assert_array_equal(labels[1], frames.labels[0])


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("trapezoid", [0.1, 1, 1, 1, 0.5]), ("cosine", [0.1, 1, 0.5, 0.25, 0.0669873])],
)
def test_the_learning_rate_rises_and_falls(schedule, expected):
    """Warm-up over a tenth, from a tenth; by hand at the start, its end, 55 %, 70 % and 85 % of the training."""
    trainer = Trainer.__new__(Trainer)
    trainer.settings = replace(load_settings(), schedule=schedule, learning_rate=1.0, warm_up=0.1, cool_down=0.3)
    rates = [trainer.learning_rate(progress) for progress in (0, 0.1, 0.55, 0.7, 0.85)]
    np.testing.assert_allclose([rates[0] * 1.1, *rates[1:]], expected)


def test_a_far_hero_weighs_as_much_in_a_whole_frame_as_in_a_crop():
    """Missed with all else right; by hand: 3 x 2 pixels of 256, weight 8, and the Jaccard index 1 of 7."""
    from model.training.losses import segmentation_loss

    settings = LossSettings(class_weights=(1.0, 6.0, 8.0), hero_jaccard=0.6, people_jaccard=0.15)
    loss = segmentation_loss(settings, pixels=16 * 16)
    missed = []
    for size in (16, 64):
        labels = np.zeros((1, size, size), np.uint8)
        labels[0, 5:8, 5:7] = 2
        probabilities = np.zeros((1, size, size, 3), np.float32)
        probabilities[..., 0] = 1 - 1e-6
        probabilities[0, 5:8, 5:7] = (0.9, 0.0, 0.1)
        missed.append(float(loss(labels, probabilities)[0]))
    entropy = 6 * 8 * -np.log(0.1) / 256
    jaccard = 1 - (0.6 + 1) / (6 + 0.6 - 0.6 + 1)
    np.testing.assert_allclose(missed, entropy + 0.6 * jaccard, rtol=0.01)


def test_whole_frames_take_their_share_of_the_epochs(data, tmp_path):
    """An epoch on whole frames of 256 pixels has 2 samples a step here, one on crops has 4."""
    run = tmp_path / "run"
    settings = (
        (data / "settings.toml").read_text().replace("batch_size = 4\n", "batch_size = 4\nfull_frames = 0.25\n", 1)
    )
    (tmp_path / "quarter.toml").write_text(settings)
    sizes = []
    epoch = Trainer._epoch

    def remember(trainer, *arguments):
        logs, images = epoch(trainer, *arguments)
        sizes.append(images // trainer.settings.epoch_steps)
        return logs, images

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_epoch", remember)
        status, printed = train(*arguments(data, run), "--settings", tmp_path / "quarter.toml", "--epochs", 8)
    assert status == 0, printed
    assert sizes == [4, 4, 4, 2] * 2


def test_a_file_changes_what_a_preset_sets(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('preset = "fcn-2"\nbatch_size = 4\n')
    settings = load_settings(file)
    assert (settings.batch_size, settings.learning_rate, settings.optimizer) == (4, 0.001, "adam")
    file.write_text('optimizer = "sgd"\n')
    with pytest.raises(SettingsError, match="optimizer must be one of muon, adamw, adam"):
        load_settings(file)


def test_the_input_size_is_a_setting(data, tmp_path):
    file, run = tmp_path / "mine.toml", tmp_path / "run"
    small = (data / "settings.toml").read_text().replace("crop = 64", "crop = 160")
    file.write_text("input_size = 64\n" + small)
    status, printed = train(*arguments(data, run), "--settings", file, "--epochs", 1)
    assert status == 0, printed
    assert load_model(run / "last.h5").input_size == (64, 64)

    file.write_text("input_size = 63\n" + small)
    status, printed = train(*arguments(data, tmp_path / "odd"), "--settings", file)
    assert status == 2
    assert "expected an input size that is a multiple of 2, got 63" in printed
    file.write_text("input_size = 96\n" + small)
    status, printed = train(*arguments(data, tmp_path / "other"), "--settings", file, "--init", run / "last.h5")
    assert status == 2
    assert "input_size is 96, but" in printed
    with pytest.raises(SettingsError, match="input_size must be 0 or a number of pixels, got -64"):
        load_settings(overrides={"input_size": -64})


def test_a_training_that_has_died_ends_and_says_how_to_go_on(data, tmp_path):
    run, file = tmp_path / "run", tmp_path / "mine.toml"
    status, printed = train(*arguments(data, run), "--epochs", 10)
    assert status == 0, printed
    assert max(float(row["hero_iou_train"]) for row in RunFolder(run).results()) > 0.1
    best = (run / "best.h5").read_bytes()

    file.write_text("learning_rate = 1e9\n")
    status, printed = train("--resume", run, "--epochs", 100, "--settings", file)
    assert status == 2
    assert "the network died" in printed
    assert "a learning_rate (with --init: init_learning_rate) lower than 1e+09" in printed
    assert f"from its best so far: --init {run / 'best.h5'}" in printed
    rows = RunFolder(run).results()
    assert len(rows) < 20
    assert [float(row["hero_iou_train"]) for row in rows[-3:]] == [0, 0, 0]
    assert (run / "best.h5").read_bytes() == best


def test_fcn_4_shows_the_shapes_of_its_author(capsys):
    from model import networks

    networks.main(["fcn-4"])
    shapes = [
        re.sub(r"\s", "", shape) for shape in re.findall(r"\(None,\s*\d+,\s*\d+,\s*\d+\)", capsys.readouterr().out)
    ]
    expected = ["80,80,16", "40,40,64", "20,20,128", "10,10,512", "10,10,256"]
    expected += ["20,20,128", "40,40,64", "80,80,32", "160,160,16", "160,160,3"]
    for shape in expected:
        at = shapes.index(f"(None,{shape})")
        shapes = shapes[at + 1 :]
