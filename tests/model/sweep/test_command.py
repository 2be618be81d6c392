"""The command `python -m model.sweep`, with trainings that end at once."""

import json
from types import SimpleNamespace

import pytest

from model.sweep.__main__ import main
from model.sweep.trial import Outcome

GRID = '[train]\ndata = ["a"]\n[space]\nseed = [1, 2, 3]\n'
SEARCH = (
    'sampler = "random"\ntrials = 5\ntrial_minutes = 20\n[train]\ndata = ["a"]\n[space]\nseed = {low = 1, high = 9}\n'
)


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """Runs the command, each of whose trials has the outcome that `trial()` returns."""

    def sweep(text, *arguments, trial=lambda: Outcome(value=0.5)):
        monkeypatch.setattr("model.sweep.trial.run", lambda attempt, plan, show: trial())
        (tmp_path / "plan.toml").write_text(text)
        return main([str(tmp_path / "plan.toml"), "--out", str(tmp_path / "sweep"), *arguments])

    return sweep


def state(tmp_path):
    return json.loads((tmp_path / "sweep" / "sweep.json").read_text())


def test_the_state_says_what_runs_also_after_an_interruption(sweep, tmp_path):
    def trial():
        seen.append(state(tmp_path))
        raise KeyboardInterrupt

    seen = []
    assert sweep(GRID, trial=trial) == 130
    assert (seen[0]["running"], seen[0]["waiting"], seen[0]["best"]) == (1, 2, None)
    assert (state(tmp_path)["running"], state(tmp_path)["waiting"]) == (0, 3)


@pytest.mark.parametrize(("text", "left"), [(GRID, "3 trials left"), (SEARCH, "5 trials left")])
def test_a_sweep_whose_time_is_over_says_what_is_left(sweep, tmp_path, monkeypatch, capsys, text, left):
    clock = iter([0, 3600])  # in which the report was written
    monkeypatch.setattr("model.sweep.__main__.time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert sweep(text, "--minutes", "30") == 0
    assert left in capsys.readouterr().out
    assert (tmp_path / "sweep" / "sweep.md").is_file()


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (SEARCH, ["--minutes", "10"], "--minutes 10 leaves no time for a trial of 20 minutes"),
        (GRID, ["--minutes", "5", "--trial-minutes", "5"], "--minutes 5 leaves no time for a trial of 5 minutes"),
        (GRID, ["--trials", "1"], "is a grid, all of which is tried: leave out --trials"),
    ],
)
def test_options_that_would_do_nothing_are_refused(sweep, tmp_path, capsys, text, arguments, message):
    assert sweep(text, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "sweep").exists()


def test_one_trial_is_no_trials(sweep, capsys):
    assert sweep(GRID.replace("[1, 2, 3]", "[1]")) == 0
    assert "1 trial in " in capsys.readouterr().out


def test_a_number_of_trials_is_that_of_all_and_a_finished_sweep_says_so(sweep, tmp_path, capsys):
    assert sweep(SEARCH) == 0
    assert "nothing is left" not in capsys.readouterr().out
    assert sweep(SEARCH, "--trials", "4") == 0
    assert "nothing is left to do: for more, raise the number with --trials\n" in capsys.readouterr().out
    assert sweep(SEARCH, "--trials", "7") == 0
    assert state(tmp_path)["complete"] == 7
    assert sweep(GRID.replace("[1, 2, 3]", "[1]"), "--out", str(tmp_path / "grid")) == 0
    capsys.readouterr()
    assert sweep(GRID.replace("[1, 2, 3]", "[1]"), "--out", str(tmp_path / "grid")) == 0
    assert "nothing is left to do\n" in capsys.readouterr().out
