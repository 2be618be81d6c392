"""A retrained model takes the old one's place only when it is better where asked and not worse elsewhere."""

import io
import json
import re
from pathlib import Path

import keras
import pytest
from rich.console import Console

from dataset.pairs import Pair, Source
from model import networks
from model.evaluation.measure import ALL_FRAMES, Evaluation, FrameResult
from model.evaluation.promotion import compare, decide, range_of, replace_weights
from model.score import FrameScore
from model.training import train as command
from model.weights import load_model, read_seen_in_training, save_model
from tests.model.labelled_frames import write_dataset


def frame(number, pixels, iou, found=None, people=0.5):
    """A result for a hero of `pixels`, or for no hero; found unless its IoU is 0."""
    seen = (iou > 0) if found is None else found
    source = Source(Path(f"images/{number}.jpeg"))
    score = FrameScore((0.9, people, iou), pixels, 50 if seen else 0)
    return FrameResult(
        Pair(str(number), source, source, "run"), ALL_FRAMES, pixels, 40.0 if pixels else None, score, (0,) * 9
    )


def evaluation(far=0.5, near=0.8, wrong=0, people=0.5):
    results = [frame(number, 30, far, people=people) for number in range(20)]
    results += [frame(20 + number, 500, near, people=people) for number in range(30)]
    results += [frame(50 + number, 0, 0.0, number < wrong, people) for number in range(50)]
    return Evaluation("model", "", tuple(results), 1.0)


def test_figures_by_hand():
    changes = {(each.group, each.measure): each for each in compare(evaluation(), evaluation(far=0.75, wrong=5))}
    assert changes["far", "hero IoU"].before == pytest.approx(0.5)
    assert changes["far", "hero IoU"].after == pytest.approx(0.75)
    assert changes["15-50 px", "hero IoU"].frames == 20
    assert changes["all", "hero IoU"].gain == pytest.approx(0.25 * 20 / 50)
    assert changes["no hero", "wrong heroes"].after == pytest.approx(0.1)
    assert changes["no hero", "wrong heroes"].gain == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("after", "better", "promoted", "why"),
    [
        ({"far": 0.6}, "far", True, "from 0.500 to 0.600"),
        ({"far": 0.6}, "near", False, "not better where asked"),
        ({}, "all", False, "not better where asked"),
        ({"far": 0.9, "near": 0.79}, "all", True, "nothing got worse"),
        ({"far": 0.9, "near": 0.75}, "far", False, "near got worse by 0.050"),
        ({"far": 0.9, "wrong": 2}, "far", False, "no hero got worse by 0.040"),
        ({"far": 0.9, "people": 0.4}, "far", False, "people IoU"),
    ],
)
def test_better_where_asked_and_not_worse_elsewhere(after, better, promoted, why):
    verdict = decide(compare(evaluation(), evaluation(**after)), better, tolerance=0.02)
    assert verdict.promote == promoted
    assert why in verdict.reason


def test_fewer_wrong_heroes_can_be_what_is_asked():
    changes = compare(evaluation(wrong=10), evaluation(wrong=4))
    assert decide(changes, "wrong heroes", 0.02).promote
    assert not decide(changes, "all", 0.02).promote


def test_few_frames_decide_nothing():
    old = Evaluation("old", "", tuple(frame(number, 30, 0.1) for number in range(19)), 1.0)
    new = Evaluation("new", "", tuple(frame(number, 30, 0.9) for number in range(19)), 1.0)
    verdict = decide(compare(old, new), "all", 0.02)
    assert not verdict.promote
    assert "only 19 frames" in verdict.reason


def test_the_old_file_is_kept(tmp_path):
    current, new = tmp_path / "model_weights.h5", tmp_path / "best.h5"
    current.write_bytes(b"old")
    new.write_bytes(b"new")
    kept = replace_weights(new, current)
    assert (current.read_bytes(), kept.read_bytes(), new.read_bytes()) == (b"new", b"old", b"new")
    assert kept.name.startswith("model_weights.20")
    assert kept.suffix == ".h5"
    assert len(list(tmp_path.iterdir())) == 3


def test_ranges_come_from_the_recording(tmp_path):
    lines = [
        {"image": "0.jpeg", "pose": [0, 0, 10, 0, 0, 0], "ground_truth_target": [30, 40, 10], "range": {"metres": 7.0}},
        {"image": "1.jpeg", "pose": [0, 0, 10, 0, 0, 0], "range": {"metres": 7.0}},
        {"image": "2.jpeg"},
    ]
    text = "\n".join(map(json.dumps, lines)) + '\n{"image": "3.jp'
    (tmp_path / "frames.jsonl").write_text(text)

    def metres(name):
        source = Source(tmp_path / "images" / name)
        return range_of(Pair(name, source, source, "run"))

    assert [metres(f"{number}.jpeg") for number in range(4)] == [50.0, 7.0, None, None]


SETTINGS = """
batch_size = 8
epoch_steps = 20
full_frame_batch = 4
init_learning_rate = 0.005
ema = 0.0
mixed_precision = "float32"
full_frames = 0.0
validate_every = 4
[augmentation]
crop = 64
"""


def test_one_command_retrains_reports_and_promotes(tmp_path):
    keras.utils.set_random_seed(0)  # a network that happened to begin well would have nothing to gain
    (tmp_path / "settings.toml").write_text(SETTINGS)
    current = save_model(networks.Pyramid((8, 16), (1, 1), (1,)).build(64), tmp_path / "mine.h5")
    before = current.read_bytes()
    write_dataset(tmp_path / "learn", 12, size=64)
    write_dataset(tmp_path / "measure", 36, size=64, seed=1)
    arguments = ["--workers", "0", "--init", current, "--recordings", tmp_path / "learn", "--epochs", 8, "--promote"]
    arguments += ["--validation", tmp_path / "measure", "--settings", tmp_path / "settings.toml"]
    arguments += ["--run", tmp_path / "run", "--cache", tmp_path / "cache", "--tolerance", 1]
    command.console = Console(record=True, width=200, file=io.StringIO())
    status = command.main(list(map(str, arguments)))
    printed = command.console.export_text()
    assert status == 0, printed
    assert f"promoted to {current}" in printed
    assert current.read_bytes() == (tmp_path / "run" / "best.h5").read_bytes()
    assert [kept.read_bytes() for kept in tmp_path.glob("mine.2*.h5")] == [before]
    assert load_model(current).input_size == (64, 64)
    report = (tmp_path / "run" / "retrain.md").read_text()
    assert (
        f"Measured on 36 frames: 36 of {tmp_path / 'measure'}. Which of them the old model learnt, its file" in report
    )
    assert read_seen_in_training(current) is None  # what it went on from did not tell what that had learnt
    figures = re.search(r"\*\*Promoted:\*\* hero IoU of all went from ([\d.]+) to ([\d.]+)", report)
    assert figures, report
    assert float(figures[2]) > float(figures[1])
    for picture in ("retrain.png", "retrain-gained.png"):
        assert picture in report
        assert (tmp_path / "run" / picture).stat().st_size > 1000

    # Killed right after the promotion, it would find the new model in the old one's place.
    status = command.main(["--workers", "0", "--resume", str(tmp_path / "run")])
    assert status == 0
    assert f"{current} is this model already" in command.console.export_text()
    assert (tmp_path / "run" / "retrain.md").read_text() == report
    assert len(list(tmp_path.glob("mine.2*.h5"))) == 1


def test_promotion_needs_frames_that_no_model_labelled_before_anything_is_learnt(tmp_path):
    current = save_model(networks.Pyramid((8, 16), (1, 1), (1,)).build(64), tmp_path / "mine.h5")
    flight = write_dataset(tmp_path / "flight", 40, size=64)
    names = sorted(path.name for path in (flight / "images").iterdir())
    lines = [json.dumps({"image": name, "label_source": "model"}) for name in names]
    (flight / "frames.jsonl").write_text("\n".join(lines))
    arguments = ["--workers", "0", "--init", current, "--recordings", flight, "--epochs", 1, "--promote"]
    command.console = Console(record=True, width=200, file=io.StringIO())
    status = command.main(list(map(str, [*arguments, "--run", tmp_path / "run", "--cache", tmp_path / "cache"])))
    printed = command.console.export_text()
    assert status == 2, printed
    assert "40 of 40 frames to learn from are labelled by a model" in printed
    assert "at least 20 frames to measure both models on" in printed
    assert not (tmp_path / "run" / "results.csv").exists()


def test_promotion_needs_frames_that_tell_of_what_shall_be_better(tmp_path):
    current = save_model(networks.Pyramid((8, 16), (1, 1), (1,)).build(64), tmp_path / "mine.h5")
    learn, measure = (write_dataset(tmp_path / name, 30, size=64, seed=seed) for seed, name in enumerate("ab"))
    arguments = ["--workers", "0", "--init", current, "--data", learn, "--validation", measure, "--epochs", 1]
    arguments += ["--promote", "--better", "wrong heroes", "--run", tmp_path / "run", "--cache", tmp_path / "cache"]
    command.console = Console(record=True, width=200, file=io.StringIO())
    assert command.main(list(map(str, arguments))) == 2
    printed = command.console.export_text()
    assert "at least 20 frames to measure both models on, without a hero" in printed
    assert "there are 10:" in printed
    assert not (tmp_path / "run" / "results.csv").exists()


def test_promotion_needs_a_model_to_replace(tmp_path):
    command.console = Console(record=True, width=200, file=io.StringIO())
    assert command.main(["--data", str(tmp_path), "--promote"]) == 2
    assert "--init" in command.console.export_text()
