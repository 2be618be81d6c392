"""What becomes of a trial whose training ends in one way or another."""

import csv
import math
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace

import pytest

from model.settings import load_settings
from model.sweep import trial
from model.sweep.plan import Plan
from model.sweep.study import Study
from model.training.arguments import parse


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a trial whose training, instead of its process, writes these results and output, and ends.

    Without an exit status, it goes on until it is stopped.
    """

    def run(rows, exitcode=0, said="", **plan):
        class Training:
            def __init__(self, target, args):
                options = args[0]
                command.extend(options)
                self.folder, self.exitcode, self.polled = study.folder_of(0), None, 0

            def start(self):
                (self.folder / trial.LOG).write_text(said)
                with (self.folder / "results.csv").open("w", newline="") as stream:
                    writer = csv.DictWriter(stream, ["epoch", "minutes", *rows[0]])
                    writer.writeheader()
                    writer.writerows({"epoch": n, "minutes": n} | row for n, row in enumerate(rows, 1))

            def join(self, timeout=None):
                self.polled += 1
                assert self.polled < 5
                if self.exitcode is None:
                    self.exitcode = exitcode if exitcode is not None or timeout else trial.INTERRUPTED

            def is_alive(self):
                return self.exitcode is None

        command = []
        monkeypatch.setattr(
            trial.multiprocessing, "get_context", lambda _: SimpleNamespace(Pipe=Pipe, Process=Training)
        )
        plan = Plan(**({"train": {"data": ["a"]}, "space": {"seed": [1]}} | plan))
        study = Study(plan, tmp_path / "sweep")
        return trial.run(study.take(), plan, lambda row: None), command

    return run


def test_a_trials_value_is_that_of_its_best_model(run):
    """A network that detects nothing has no false positives, too."""
    rows = [
        {"score": 0.0, "false_positive_rate": 0.0},
        {"score": 0.6, "false_positive_rate": 0.02},
        {"score": "", "false_positive_rate": ""},
        {"score": 0.6, "false_positive_rate": 0.01},
        {"score": 0.5, "false_positive_rate": 0.3},
    ]
    outcome, _ = run(rows, metric="false_positive_rate", minimize=True)
    assert outcome.value == 0.02


def test_without_validation_a_trials_value_is_the_last(run):
    outcome, _ = run([{"loss": 0.3}, {"loss": 0.1}, {"loss": 0.2}], metric="loss", minimize=True)
    assert outcome.value == 0.2


@pytest.mark.parametrize(
    ("score", "error"),
    [
        ("nan", "score is no number in 2 epochs: do validation frames show what it measures?"),
        ("", "no validation in 2 epochs: done: last.h5"),
    ],
)
def test_a_trial_without_a_value_says_why(run, score, error):
    outcome, _ = run([{"score": "", "loss": 0.2}, {"score": score, "loss": 0.1}], said="done: last.h5\n")
    assert outcome.error == error


@pytest.mark.parametrize("option", [{"preset": "fcn-1"}, {"init": "model.h5"}])
@pytest.mark.parametrize("where", [{"space": {"preset": ["fcn-2"]}}, {"settings": {"preset": "fcn-2"}}])
def test_a_preset_that_is_tried_is_trained_whatever_all_trials_begin_with(run, option, where):
    _, command = run([{"score": 0.5}], train={"data": ["a"]} | option, **where)
    options = parse(None, command)
    assert load_settings(Path(options.settings), options.setting_overrides()).preset == options.preset == "fcn-2"


@pytest.mark.parametrize(("exitcode", "signal"), [(-9, 9), (130, 2)])
def test_a_training_that_was_killed_is_no_result(run, exitcode, signal):
    outcome, _ = run([{"score": 0.5}, {"score": 0.7}], exitcode)
    assert outcome.value is None
    assert outcome.error.startswith(f"killed by signal {signal} after 2 epochs")


@pytest.mark.parametrize(
    "fail",
    [lambda each: each.check_collapse([0.5, 0, 0, 0], "advice"), lambda each: each.check_finite(math.nan, None, 2, "")],
)
def test_a_training_that_collapsed_has_the_value_of_its_best_model(run, fail):
    from model.training import failures

    with pytest.raises(RuntimeError) as failure:
        fail(failures)
    assert run([{"score": 0.5}, {"score": 0.0}], 2, said=str(failure.value))[0].value == 0.5


def test_a_training_that_ended_with_an_error_is_no_result(run):
    outcome, _ = run([{"score": 0.5}], 2, said="epoch 1\nNo space left on device\n")
    assert outcome.value is None
    assert outcome.error == "ended after 1 epoch with exit status 2: No space left on device"


@pytest.mark.parametrize(
    ("metric", "rows", "train"),
    [
        ("scroe", [{"loss": 0.3, "score": ""}, {"loss": 0.3, "score": 0.5}], {}),
        ("los", [{"loss": 0.3}], {"no_validation": True}),
    ],
)
def test_a_metric_that_does_not_exist_ends_its_training(run, metric, rows, train):
    outcome, _ = run(rows, None, metric=metric, train={"data": ["a"]} | train)
    assert outcome.value is None
    assert outcome.error.startswith(f"there is no metric {metric}; did you mean ")
