"""Run one trial of a sweep: an ordinary training in a process of its own, watched through its results."""

import _thread
import math
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import optuna

from config.reader import nearest
from dataset.files import write_atomically
from model import run_files
from model.settings import TrainSettings, load_settings
from model.sweep.plan import Plan, counted, to_toml
from model.sweep.study import LENGTH, Attempt

LOG, SETTINGS = "training.log", "settings.toml"
POLL_SECONDS = 0.5
INTERRUPTED = 130  # exit status of a training after Ctrl-C
SPOILT = ("training collapsed", "training diverged")  # by its settings: how model.training.failures begins to say so


@dataclass(frozen=True)
class Outcome:
    """What came of a trial: the value of the metric, or else an error."""

    value: float | None = None
    pruned: bool = False
    error: str = ""


def run(attempt: Attempt, plan: Plan, on_row: Callable[[Mapping[str, str]], None]) -> Outcome:
    """Train until the end or until the trial is pruned; `on_row` gets each new row of results.csv.

    An exception, such as KeyboardInterrupt, ends the training before it is raised again.
    """
    settings = plan.settings_of(attempt.values)
    write_atomically(attempt.folder / SETTINGS, to_toml(settings))
    watch = _Watch(attempt.trial, plan, load_settings(overrides=settings))
    arguments = ["--run", str(attempt.folder), *training_arguments(plan, settings, attempt.folder / SETTINGS)]
    context = multiprocessing.get_context("spawn")
    stop, stopped = context.Pipe(duplex=False)
    process = context.Process(target=_train, args=(arguments, attempt.folder / LOG, stop))
    process.start()
    stop.close()
    seen, running = 0, True
    try:
        while running:
            process.join(POLL_SECONDS)
            running = process.is_alive()
            rows = run_files.read_results(attempt.folder)
            for row in rows[seen:]:
                on_row(row)
                watch.see(row)
            seen = len(rows)
            if running and (watch.pruned or watch.error):
                stopped.close()
                process.join()
    finally:
        stopped.close()
        process.join()
    if watch.error or watch.pruned:
        return Outcome(None if watch.error else watch.value, watch.pruned, watch.error)
    epochs = counted(seen, "epoch")
    if killer := _killed_by(process.exitcode):
        return Outcome(error=f"killed by signal {killer} after {epochs}; if nobody did so, memory may be short")
    said = _last_words(attempt.folder / LOG)
    if process.exitcode and not said.startswith(SPOILT):
        return Outcome(error=f"ended after {epochs} with exit status {process.exitcode}: {said}")
    if watch.value is None and watch.measured:
        return Outcome(error=f"{plan.metric} is no number in {epochs}: do validation frames show what it measures?")
    if watch.value is None:
        return Outcome(error=f"no validation in {epochs}: {said}")
    return Outcome(watch.value)


class _Watch:
    """The metric of a trial so far: of the epoch that its best model is from; the last if the training has no score."""

    def __init__(self, trial: optuna.Trial, plan: Plan, settings: TrainSettings) -> None:
        self.value: float | None = None
        self.measured, self.pruned, self.error = False, False, ""
        self._score: float | None = None  # of the best model
        self._trial, self._plan, self._settings = trial, plan, settings
        self._last = 0  # step of the last report

    def see(self, row: Mapping[str, str]) -> None:
        """Take an epoch's results into account, and decide whether the trial is pruned."""
        plan, settings = self._plan, self._settings
        if plan.metric not in row and (row.get("score") or plan.train.get("no_validation")):
            self.error = f"there is no metric {plan.metric}{nearest(plan.metric, row)}"
        self.measured |= bool(row.get(plan.metric))
        value = float(row.get(plan.metric) or "nan")
        if math.isnan(value) or self.pruned:
            return
        score = float(row.get("score") or "nan")
        if self._score is None or score > self._score:
            self.value, self._score = value, None if math.isnan(score) else score
        epoch = int(row["epoch"])
        progress = float(row["minutes"]) / plan.trial_minutes if plan.trial_minutes else epoch / settings.epochs
        step = min(math.ceil(LENGTH * progress), LENGTH)
        if step > self._last:
            self._trial.report(value, step)
            self._last = step
            learned = epoch * settings.steps_per_epoch >= plan.pruning.min_steps
            self.pruned = step < LENGTH and learned and self._trial.should_prune()


def training_arguments(plan: Plan, settings: Mapping[str, Any], file: Path) -> list[str]:
    """Return the command line of a training with these settings, which are in `file`.

    A preset among them is named, as --init heeds no other.
    """
    arguments = ["--settings", str(file)]
    if plan.trial_minutes:
        arguments += ["--minutes", f"{plan.trial_minutes:g}"]
    preset = {"preset": settings["preset"]} if "preset" in settings else {}
    for name, value in (plan.train | preset).items():
        option = f"--{name.replace('_', '-')}"
        if name == "recordings":
            arguments += [option, *map(str, value)]
        elif isinstance(value, list):
            arguments += [part for each in value for part in (option, str(each))]
        elif value is not False:
            arguments += [option] if value is True else [option, str(value)]
    return arguments


def _killed_by(status: int | None) -> int:
    """Return the signal that ended a training of this exit status, also one interrupted from outside; 0 if none did."""
    if status == INTERRUPTED:
        return signal.SIGINT.value
    return -status if status is not None and status < 0 else 0


def _train(arguments: list[str], log: Path, stop: Connection) -> None:
    """Run `model.train` with its output in a file, until it ends or the other end of `stop` is closed or dies."""
    with log.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    from model import train  # sets its own handler

    signal.signal(signal.SIGINT, _interrupt_once)
    threading.Thread(target=_interrupt_when_closed, args=(stop,), daemon=True).start()
    sys.exit(train.main(arguments))


def _interrupt_when_closed(stop: Connection) -> None:
    wait([stop])
    _thread.interrupt_main()


def _interrupt_once(number: int, frame: object) -> None:
    """Raise KeyboardInterrupt; further signals, of a terminal and of the sweep, do not disturb its handling."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _last_words(log: Path) -> str:
    """Return the last line of a training's output."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "the training said nothing")
