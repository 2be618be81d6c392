"""The command line: what it refuses, and how a resumed training completes it."""

import pytest

from model.settings import TrainSettings
from model.training.arguments import parse
from model.training.run_folder import RunFolder
from tests.model.training.train_command import train


def test_what_cannot_start_is_one_sentence(data, tmp_path):
    assert "--data" in train("--run", tmp_path / "run")[1]
    assert "arguments.json" in train("--resume", tmp_path / "nowhere")[1]
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "checkpoint.npz").write_bytes(b"")
    assert "--resume" in train("--data", data / "train", "--run", tmp_path / "held")[1]


@pytest.mark.parametrize(
    "option", ["--minutes=0", "--minutes=-5", "--minutes=nan", "--epochs=0", "--validation-interval=0", "--workers=-1"]
)
def test_an_impossible_number_is_refused(capsys, option):
    with pytest.raises(SystemExit, match="2"):
        parse(None, ["--data", "train.zip", option])
    assert f"argument {option.partition('=')[0]}: expected a" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--skip-bad", "--promote", "--preset=fcn-2", "--better=all", "--data=more.zip"])
def test_what_cannot_change_during_a_training_is_refused_by_name(tmp_path, capsys, option):
    with pytest.raises(SystemExit, match="2"):
        parse(None, ["--resume", str(tmp_path), option])
    assert f"it does not take {option.partition('=')[0]}\n" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--validation=other.zip", "--hold-out=run1"])
def test_frames_to_validate_on_without_validation_are_refused(option):
    with pytest.raises(ValueError, match="--no-validation trains on all frames: give it without --validation"):
        parse(None, ["--data", "train.zip", "--no-validation", option])


def test_a_resumed_training_keeps_its_options_except_those_given_now(tmp_path):
    options = parse(
        None, ["--data", "a.zip:2", "--data", "b", "--init", "one.h5", "--minutes", "9", "--preset", "fcn-1"]
    )
    assert options.setting_overrides() == {"preset": "fcn-1"}
    RunFolder(tmp_path).write_configuration(options, TrainSettings())
    resumed = parse(None, ["--resume", str(tmp_path), "--workers", "3"])
    assert (resumed.data, resumed.init, resumed.minutes, resumed.workers) == (("a.zip:2", "b"), "one.h5", 9.0, 3)
    longer = parse(None, ["--resume", str(tmp_path), "--epochs", "40"])
    assert (longer.minutes, longer.setting_overrides()) == (None, {"preset": "fcn-1", "epochs": 40})
