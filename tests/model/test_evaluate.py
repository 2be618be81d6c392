"""Evaluation on small data made here, with answers worked out by hand, and on the official data with known scores."""

import importlib
import json
import re
import zipfile

import cv2
import keras
import numpy as np
import pytest

from dataset.pairs import DatasetError, find_pairs
from model.evaluation import report
from model.evaluation import tiles as contact_sheet
from model.evaluation.evaluate import main, parse_arguments, read_data
from model.evaluation.measure import ALL_FRAMES, OFFICIAL_SETS, Evaluation, EvaluationError, measure, set_names
from model.weights import save_model

SIZE = 32
HERO_RED, GREY = (200, 20, 20), (90, 90, 90)


def write_frame(folder, name, truth=None, drawn="truth", size=SIZE, shade=HERO_RED):
    """A frame with a red box where the "network" of these tests will see a hero, and a truth that may differ."""
    drawn = truth if drawn == "truth" else drawn
    image, mask = np.full((size, size, 3), GREY, np.uint8), np.zeros((size, size, 3), np.uint8)
    if drawn:
        image[drawn[0] : drawn[2], drawn[1] : drawn[3]] = shade
    mask[..., 0] = 255
    if truth:
        mask[truth[0] : truth[2], truth[1] : truth[3]] = (0, 0, 255)
    for role, picture, suffix in (("images", image, f"{name}_cam1_1.png"), ("masks", mask, f"{name}_mask_1.png")):
        (folder / role).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / role / suffix), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


class SeesRed:
    """Says hero where a pixel is red."""

    def predict(self, images):
        hero = (images[..., 0].astype(int) - images[..., 1] > 20).astype(np.float32)
        return np.stack([1 - hero, np.zeros_like(hero), hero], axis=-1)


def evaluation_of(folder, name="sees red"):
    pairs, problems = find_pairs(folder)
    assert not problems
    return Evaluation(name, f"{name}, 32x32", *measure(SeesRed(), pairs, set_names(pairs, folder)))


@pytest.fixture
def official(tmp_path):
    """Two frames a set: following both right; without target one wrong; with target one half right and one missed."""
    root = tmp_path / "sample_evaluation_data"
    following, without, with_target = (root / name for name in OFFICIAL_SETS)
    write_frame(following, "a", truth=(0, 0, 8, 8))
    write_frame(following, "b", truth=(4, 4, 20, 12))
    write_frame(without, "a", drawn=(0, 0, 2, 2))
    write_frame(without, "b")
    write_frame(with_target, "a", truth=(0, 0, 8, 8), drawn=(0, 0, 8, 4))
    write_frame(with_target, "b", truth=(10, 10, 12, 12), drawn=None)
    return root


def test_official_data_by_hand(official):
    evaluation = evaluation_of(official)
    assert list(evaluation.sets) == list(OFFICIAL_SETS)
    assert [score.hero_iou for score in evaluation.sets.values()] == [1.0, 0.0, 0.25]
    # mean(1, 0.25) * 3 found / (3 found + 1 wrong + 1 missed)
    assert evaluation.final_score == pytest.approx(0.625 * 0.6)
    assert evaluation.wrong_heroes() == {"patrol_non_targ": (1, 2)}


def test_a_zip_gives_what_the_folder_gives(official, tmp_path):
    archive = tmp_path / "sample_evaluation_data.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(official.rglob("*.png")):
            file.write(path, path.relative_to(tmp_path))
    assert evaluation_of(archive).sets == evaluation_of(official).sets


@pytest.mark.parametrize("missing", OFFICIAL_SETS)
def test_a_missing_official_set_is_named(official, missing):
    (official / missing).rename(official.parent / "elsewhere")
    with pytest.raises(EvaluationError, match=f"{missing} is missing"):
        evaluation_of(official)


def test_frames_beside_the_official_sets_are_refused(official):
    write_frame(official / "more", "c")
    with pytest.raises(EvaluationError, match="lies beside"):
        evaluation_of(official)


def test_one_official_set_alone_is_plain_data(official):
    evaluation = evaluation_of(official / "patrol_with_targ")
    assert list(evaluation.sets) == [ALL_FRAMES]
    assert evaluation.final_score is None
    assert evaluation.sets[ALL_FRAMES].hero_iou == 0.25


def test_sizes_are_those_at_256_pixels(tmp_path):
    # At 128x128 one pixel stands for four: 2x1 -> 8, 3x3 -> 36, 5x5 -> 100, 20x20 -> 1600
    for name, (rows, columns) in {"a": (2, 1), "b": (3, 3), "c": (5, 5), "d": (20, 20)}.items():
        write_frame(tmp_path, name, truth=(4, 4, 4 + rows, 4 + columns), size=128)
    write_frame(tmp_path, "e", truth=(4, 4, 9, 9), drawn=None, size=128)
    bands = evaluation_of(tmp_path).by_size()
    assert [(band.frames, band.found) for band in bands.values()] == [(1, 0), (1, 1), (2, 1), (1, 1)]
    assert bands["50-400 px"].hero_iou == 0.5


def test_light_is_the_heros_not_the_frames(tmp_path):
    write_frame(tmp_path, "a", truth=(0, 0, 8, 8), shade=(40, 5, 5))  # grey value 0.299 * 40 + 0.701 * 5 = 15
    write_frame(tmp_path, "b", truth=(0, 0, 8, 8), shade=(90, 10, 10))  # 34
    write_frame(tmp_path, "c", truth=(0, 0, 8, 8), shade=(250, 60, 60))  # 117
    assert {name: band.frames for name, band in evaluation_of(tmp_path).by_light().items()} == {
        "dark": 1,
        "medium": 1,
        "bright": 1,
    }


class SeesColours:
    """Hero where a pixel is red, people where it is green, else background."""

    def predict(self, images):
        hero = images[..., 0].astype(int) - images[..., 1] > 20
        people = images[..., 1].astype(int) - images[..., 0] > 20
        return np.stack([~hero & ~people, people, hero], axis=-1).astype(np.float32)


def test_what_pixels_are_taken_for_by_hand(tmp_path):
    # At 128x128 a pixel stands for four: 400 of a near hero, all red; 8 of a far one, half green and a quarter grey.
    write_frame(tmp_path, "near", truth=(0, 0, 20, 20), size=128)
    write_frame(tmp_path, "far", truth=(0, 0, 2, 4), drawn=(0, 0, 2, 1), size=128)
    path = tmp_path / "images" / "far_cam1_1.png"
    image = cv2.imread(str(path))
    image[0:2, 1:3] = (20, 200, 20)
    cv2.imwrite(str(path), image)
    pairs, _ = find_pairs(tmp_path)
    evaluation = Evaluation("colours", "", *measure(SeesColours(), pairs, [ALL_FRAMES] * 2))
    assert evaluation.confusion().tolist() == [[2 * 128 * 128 - 408, 0, 0], [0, 0, 0], [2, 4, 402]]
    assert {name: pixels.tolist() for name, pixels in evaluation.hero_pixels().items()} == {
        "under 15 px": [0, 0, 0],
        "15-50 px": [2, 4, 2],
        "50-400 px": [0, 0, 0],
        "over 400 px": [0, 0, 400],
    }
    page = report.markdown("", [evaluation])
    assert "| hero | 1.25% | 0.49% | 0.98% | 98.53% |" in page
    assert "| 15-50 px | 1 | 25.0% | 50.0% | 25.0% |" in page
    entry = report.as_json([evaluation])[0]
    assert entry["hero_pixels"]["15-50 px"] == {"pixels": 8, "background": 0.25, "people": 0.5, "hero": 0.25}
    assert entry["confusion"]["people"]["people"] is None
    assert entry["confusion"]["background"]["background"] == 1


def test_worst_frames_are_the_least_iou_then_the_largest(tmp_path):
    write_frame(tmp_path, "fine", truth=(0, 0, 8, 8))
    write_frame(tmp_path, "half", truth=(0, 0, 8, 8), drawn=(0, 0, 8, 4))
    write_frame(tmp_path, "missed_small", truth=(0, 0, 3, 3), drawn=None)
    write_frame(tmp_path, "missed_large", truth=(0, 0, 20, 20), drawn=None)
    write_frame(tmp_path, "wrong", drawn=(0, 0, 9, 9))
    write_frame(tmp_path, "nothing")
    names = [each.pair.name.removesuffix("_1") for each in evaluation_of(tmp_path).worst(10)]
    assert names == ["missed_large", "wrong", "missed_small", "half", "fine"]


def test_frames_of_several_sizes_and_more_than_a_batch(tmp_path):
    for index in range(40):
        write_frame(tmp_path, f"f{index:02}", truth=(0, 0, 8, 8), size=(32, 48)[index % 3 == 0])
    done = []
    pairs, _ = find_pairs(tmp_path)
    results, milliseconds = measure(SeesRed(), pairs, [ALL_FRAMES] * 40, done.append)
    assert [result.pair for result in results] == pairs
    assert all(result.score.iou[2] == 1.0 for result in results)
    assert sum(done) == 40
    assert milliseconds > 0


def test_an_unreadable_frame_is_named(tmp_path):
    write_frame(tmp_path, "a", truth=(0, 0, 8, 8))
    (tmp_path / "masks" / "a_mask_1.png").write_bytes(b"not a picture")
    with pytest.raises(DatasetError, match=r"a_mask_1\.png"):
        evaluation_of(tmp_path)


def test_frames_that_are_wrong_are_all_named_before_anything_is_measured(tmp_path, weights, capsys):
    folder = tmp_path / "data[old]"  # a name that rich could take for a style
    for name in "abcde":
        write_frame(folder, name, truth=(0, 0, 8, 8))
    (folder / "images" / "a_cam1_1.png").write_bytes(b"not a picture")
    cv2.imwrite(str(folder / "masks" / "b_mask_1.png"), np.full((SIZE, SIZE, 3), 77, np.uint8))
    (folder / "masks" / "c_mask_1.png").unlink()
    assert main([str(weights), str(folder)]) == 2
    printed, complaint = capsys.readouterr()
    assert "1 x no mask, 1 x unreadable, 1 x values" in complaint
    for name in ("a_cam1_1.png", "b_mask_1.png", "c_cam1_1.png", "--skip-bad"):
        assert name in complaint
    assert printed.strip() == ""
    assert main([str(weights), str(folder), "--skip-bad"]) == 0
    printed = capsys.readouterr().out
    assert f"{folder / 'images' / 'c_cam1_1.png'}: no partner" in printed
    assert "│ all frames │      2 │" in printed


def test_names_are_not_markup(tmp_path, weights, capsys):
    write_frame(tmp_path, "a", truth=(0, 0, 8, 8))
    models = [tmp_path / folder / "x].h5" for folder in ("[", "[red]")]  # of one name, so they are told by their paths
    for model in models:
        model.parent.mkdir()
        model.write_bytes(weights.read_bytes())
    assert main([*map(str, models), str(tmp_path)]) == 0
    printed = "".join(re.split(r"[\s│]+", capsys.readouterr().out))  # the terminal is narrow
    assert "/[/x].h5" in printed
    assert "/[red]/x].h5" in printed


def test_agreement_with_a_models_own_masks_is_called_that(tmp_path, weights, capsys):
    write_frame(tmp_path, "a", truth=(0, 0, 8, 8))
    (tmp_path / "frames.jsonl").write_text('{"image": "a_cam1_1.png", "label_source": "model"}')
    assert main([str(weights), str(tmp_path)]) == 0
    assert "1 of 1 masks are a model's" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("module", "path"),
    [("evaluate", "evaluation.evaluate"), ("compare", "evaluation.compare"), ("export", "export.command")],
)
def test_ctrl_c_is_one_line_and_130(tmp_path, monkeypatch, capsys, module, path):
    def interrupted(*_):
        raise KeyboardInterrupt

    command = importlib.import_module(f"model.{path}")
    monkeypatch.setattr(command, module, interrupted)
    given = {"evaluate": ["w.h5", "data"], "compare": ["a.h5", "b.h5", "data", "--out", "out"]}
    assert command.main(given.get(module, ["w.h5", "--calibration", "data"])) == 130
    assert capsys.readouterr().err == f"{module}: interrupted\n"


def test_limit_spreads_over_the_data(tmp_path):
    from rich.console import Console

    for index in range(9):
        write_frame(tmp_path, f"f{index}")
    pairs, names = read_data(tmp_path, 3, Console())
    assert [pair.name for pair in pairs] == ["f0_1", "f4_1", "f8_1"]
    assert len(names) == 3


def test_the_sheet_shows_truth_and_prediction_in_their_colours(tmp_path):
    write_frame(tmp_path, "a", truth=(2, 2, 10, 10), drawn=(20, 20, 28, 28))
    result = evaluation_of(tmp_path).results[0]
    image = cv2.cvtColor(cv2.imread(str(tmp_path / "images" / "a_cam1_1.png")), cv2.COLOR_BGR2RGB)
    mask = cv2.cvtColor(cv2.imread(str(tmp_path / "masks" / "a_mask_1.png")), cv2.COLOR_BGR2RGB)
    drawn = contact_sheet.tile(result, image, mask, SeesRed().predict(image[None])[0])
    scale = contact_sheet.TILE // SIZE
    assert tuple(drawn[2 * scale - 1, 6 * scale]) == contact_sheet.TRUTH
    assert tuple(drawn[20 * scale - 1, 24 * scale]) == contact_sheet.PREDICTION
    assert tuple(drawn[6 * scale, 6 * scale]) == GREY  # the picture stays visible inside
    assert contact_sheet.sheet([drawn] * 4).shape == (30 + 2 * drawn.shape[0], 3 * drawn.shape[1], 3)


def test_several_models_stand_below_each_other(official):
    evaluations = [evaluation_of(official, "first"), evaluation_of(official, "second")]
    page = report.markdown("Two", evaluations)
    assert "| following_images | 2 | first | 1.0000 |" in page
    assert "|  |  | second | 1.0000 |" in page
    assert "| first | 0.3750 |" in page
    alone = report.markdown("One", evaluations[:1])
    assert "| following_images | 2 | 1.0000 |" in alone


def test_names_cannot_break_the_page(official):
    page = report.html_page("<b>", [evaluation_of(official, "<script>alert(1)</script>")])
    assert "<script" not in page
    assert "<b>" not in page


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A network of one 1x1 convolution that sees red, saved to a file."""
    image = keras.Input((SIZE, SIZE, 3))
    logits = keras.layers.Conv2D(3, 1, name="red")(image)
    network = keras.Model(image, keras.layers.Softmax()(logits))
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, :, 2] = 1, -1, 0
    network.get_layer("red").set_weights([kernel, np.array([0, -50, -20], np.float32)])
    return save_model(network, tmp_path_factory.mktemp("weights") / "red.h5")


def test_the_command_writes_all_it_is_asked_for(official, weights, tmp_path, capsys):
    out = tmp_path / "out"
    files = [f"--{kind}={out / f'report.{kind}'}" for kind in ("json", "markdown", "html")]
    assert main([str(weights), str(official), *files, "--worst", "3", str(out / "worst")]) == 0
    printed = capsys.readouterr().out
    assert "red.h5, 32x32" in printed
    assert "0.3750" in printed
    (entry,) = json.loads((out / "report.json").read_text())
    assert entry["final_score"] == pytest.approx(0.375)
    assert entry["sets"]["patrol_with_targ"]["false_negatives"] == 1
    assert "0.3750" in (out / "report.markdown").read_text()
    assert "data:image/png;base64," in (out / "report.html").read_text()
    assert cv2.imread(str(out / "worst" / "red.h5.png")) is not None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{weights}", "{root}/nowhere"], "nowhere does not exist"),
        (["{root}/no_model.h5", "{root}"], "no weights file"),
        (["{weights}", "{weights}"], "expected a folder or a .zip"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_exit_2(official, weights, capsys, arguments, sentence):
    assert main([each.format(weights=weights, root=official) for each in arguments]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("evaluate: ")
    assert sentence in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--worst", "many", "out"], ["--worst", "0", "out"]])
def test_bad_options_are_refused(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse_arguments(["weights.h5", "data", *arguments])
    assert "expects" in capsys.readouterr().err


class Truth:
    """Predicts the truth of each frame, in order: what no network can beat."""

    def __init__(self, pairs):
        self.pairs = iter(pairs)

    def predict(self, images):
        from dataset.pairs import read_pair

        return np.stack([read_pair(next(self.pairs))[1] > 0 for _ in images]).astype(np.float32)


def test_a_perfect_predictor_reaches_what_the_original_gave_it(shared):
    source = shared / "data" / "sample_evaluation_data.zip"
    pairs, _ = find_pairs(source)
    evaluation = Evaluation("truth", "", *measure(Truth(pairs), pairs, set_names(pairs, source)))
    assert evaluation.final_score == pytest.approx(0.997, abs=0.0005)
    assert [score.frames for score in evaluation.sets.values()] == [542, 270, 322]


@pytest.mark.parametrize(
    ("name", "score"), [("fcn_160_h5_names/model_weights.h5", 0.402), ("fcn_160_large/model_weights", 0.446)]
)
def test_models_of_2017_score_what_they_scored(shared, name, score):
    from model.inference.segmenter import Segmenter

    source = shared / "data" / "sample_evaluation_data.zip"
    pairs, _ = find_pairs(source)
    segmenter = Segmenter(shared / "legacy_models" / name)
    evaluation = Evaluation(name, "", *measure(segmenter, pairs, set_names(pairs, source)))
    assert evaluation.final_score == pytest.approx(score, abs=0.005)
