"""What a sweep's report says: all trials, how much each setting matters, and how to train with the best."""

import shlex
import tomllib
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import create_trial

from model.sweep import effects, report
from model.sweep.plan import Plan
from model.sweep.study import LENGTH, Study
from model.training.arguments import parse

NETWORKS = [{"encoders": [16, 32], "decoders": [32, 16]}, {"encoders": [32, 64], "decoders": [64, 32]}]


def plan(**changes):
    return Plan(**({"train": {"data": ["a frame"], "skip_bad": True}, "space": {"seed": [1, 2]}} | changes))


def finish(study, values):
    for value in values:
        attempt = study.take()
        attempt.trial.report(value, LENGTH)
        study.end(attempt, value)


def trials(space, values):
    """Return complete trials with these values of the settings and of the metric."""
    distributions = {
        name: CategoricalDistribution(tried)
        if isinstance(tried, list)
        else FloatDistribution(tried["low"], tried["high"])
        for name, tried in space.items()
    }
    return [create_trial(params=params, distributions=distributions, value=value) for params, value in values]


def test_each_settings_share_of_the_variance():
    space = {"learning_rate": [0.1, 0.01], "weight_decay": {"low": 0.0, "high": 1.0}, "seed": [1, 2]}
    settings = [
        {"learning_rate": rate, "weight_decay": decay, "seed": seed}
        for rate in space["learning_rate"]
        for decay in (0.1, 0.5, 0.9)
        for seed in space["seed"]
    ]
    metric = [0.3 * (each["learning_rate"] == 0.01) + 0.1 * each["weight_decay"] for each in settings]
    shares = effects.shares(trials(space, zip(settings, metric, strict=True)), plan(space=space))
    assert list(shares) == ["learning_rate", "weight_decay", "seed"]
    assert shares["learning_rate"] > 0.9
    assert shares["seed"] == 0


def test_a_setting_with_as_many_values_as_trials_explains_nothing():
    space = {"seed": [1, 2, 3, 4]}
    four = [({"seed": seed}, 0.1 * seed) for seed in space["seed"]]
    assert effects.shares(trials(space, four), plan(space=space)) == {}


def test_trials_that_are_all_alike_have_pictures_only(tmp_path, capfd):
    study = Study(plan(space={"seed": [1, 2], "batch_size": [30, 64]}), tmp_path / "sweep")
    finish(study, [0.5] * 4)
    report.write(study)
    text = (tmp_path / "sweep" / "sweep.md").read_text()
    assert "slices.png" in text
    assert "variance" not in text
    assert capfd.readouterr() == ("", "")


def test_long_values_are_letters_in_the_pictures_and_all_values_are_in_the_table(tmp_path):
    study = Study(plan(space={"network": NETWORKS, "batch_size": [30, 64, 128]}), tmp_path / "sweep")
    finish(study, [0.1, 0.2, 0.3, 0.4])
    report.write(study)
    text = (tmp_path / "sweep" / "sweep.md").read_text()
    assert '- A: `{"encoders": [16, 32], "decoders": [32, 16]}`' in text
    assert "- B: `" in text
    rows = [line.split(" | ") for line in text.splitlines() if "| waiting |" in line]
    assert len(rows) == 2
    assert all(row[2].startswith('`{"encoders": [') and row[3] in ("30", "64", "128") for row in rows)


def test_short_lists_are_letters_too(tmp_path):
    """Optuna takes no lists, however short."""
    study = Study(plan(space={"network.encoders": [[8], [16]], "seed": [1, 2]}), tmp_path / "sweep")
    finish(study, [0.1, 0.2, 0.3, 0.4])
    report.write(study)
    assert "- A: `[8]`\n- B: `[16]`" in (tmp_path / "sweep" / "sweep.md").read_text()
    assert (tmp_path / "sweep" / "slices.png").exists()


def test_a_sweep_goes_on_without_pictures_that_cannot_be_drawn(tmp_path, monkeypatch, caplog):
    def fail(*_):
        raise TypeError("no such axes")

    study = Study(plan(space={"seed": [1, 2], "batch_size": [30, 64]}), tmp_path / "sweep")
    finish(study, [0.1, 0.2, 0.3, 0.4])
    monkeypatch.setattr(effects, "draw", fail)
    assert report.write(study).value == 0.4
    text = (tmp_path / "sweep" / "sweep.md").read_text()
    assert "variance" in text
    assert "slices.png" not in text
    assert "could not be drawn (TypeError: no such axes)" in caplog.text


@pytest.mark.parametrize("minutes", [None, 20.0])
def test_the_best_settings_come_with_the_command_that_trains_with_them(tmp_path, minutes):
    study = Study(plan(settings={"preset": "fcn-2"}, trial_minutes=minutes), tmp_path / "sweep")
    finish(study, [0.5])
    report.write(study)
    file = tmp_path / "sweep" / "best.toml"
    command = file.read_text().splitlines()[1].removeprefix("# ")
    assert f"    {command}\n" in (tmp_path / "sweep" / "sweep.md").read_text()
    python, _, module, *arguments = shlex.split(command)
    assert (python, module) == ("python", "model.train")
    options = parse(None, arguments)
    assert (options.data, options.skip_bad, options.minutes) == (("a frame",), True, minutes)
    assert tomllib.loads(Path(options.settings).read_text())["seed"] in (1, 2)
