"""The report of a sweep: sweep.md with table and pictures, best.toml to train with, sweep.json for the browser."""

import json
import logging
import shlex
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from config.interrupts import interrupted
from dataset.files import write_atomically
from model.run_files import BEST, LAST, read_results
from model.sweep import effects
from model.sweep.files import BEST_SETTINGS, PARALLEL, REPORT, SLICES, STATE
from model.sweep.plan import counted, describe_value, to_toml
from model.sweep.study import ERROR, Study, values_of
from model.sweep.trial import training_arguments

logger = logging.getLogger(__name__)

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
ENOUGH = 4  # complete trials for the effects of settings


def best_trial(study: Study) -> FrozenTrial | None:
    """Return the complete trial with the best value; None if none is complete."""
    return min(_complete(study), key=lambda trial: _rank(study, trial), default=None)


def write(study: Study) -> FrozenTrial | None:
    """Write all files of the report into the sweep's folder; return the best trial, as `best_trial`."""
    trials, best = sorted(study.trials(), key=lambda trial: _rank(study, trial)), best_trial(study)
    lines = [f"# {study.folder.name}", "", _summary(study, trials)]
    if best is not None:
        settings, file = study.plan.settings_of(values_of(best)), study.folder / BEST_SETTINGS
        command = shlex.join(["python", "-m", "model.train", *training_arguments(study.plan, settings, file)])
        heading = f"# trial {best.number} of {study.folder.name}, {study.plan.metric} {best.value:.4g}"
        write_atomically(file, f"{heading}\n# {command}\n{to_toml(settings)}")
        folder = study.folder_of(best.number)
        model = folder / BEST if (folder / BEST).exists() else folder / LAST  # which is all without validation
        lines += [
            f"Best: trial {best.number}, {study.plan.metric} {best.value:.4f}. Its model is `{model}`, its"
            f" settings are in `{BEST_SETTINGS}`. To train with them again:\n\n    {command}",
        ]
    lines += ["", *_table(study, trials)]
    if len(_complete(study)) >= ENOUGH:
        lines += ["", "## Effects of the settings", "", *_effects(study)]
    write_atomically(study.folder / REPORT, "\n".join(lines) + "\n")
    write_state(study)
    return best


def write_state(study: Study) -> None:
    """Write only what the workshop page shows."""
    best = best_trial(study)
    state = {
        "trials": study.plan.size(),
        "metric": study.plan.metric,
        **_counts(study.trials()),
        "best": best and {"trial": best.number, "value": best.value, "settings": values_of(best)},
    }
    write_atomically(study.folder / STATE, json.dumps(state, indent=2))


def _complete(study: Study) -> list[FrozenTrial]:
    return [each for each in study.trials() if each.state == TrialState.COMPLETE]


def _rank(study: Study, trial: FrozenTrial) -> tuple[int, float]:
    """Return the key that sorts trials: complete ones by value, pruned ones by their last, then those without."""
    if trial.state not in (TrialState.COMPLETE, TrialState.PRUNED) or trial.value is None:
        return (2, trial.number)
    return (trial.state == TrialState.PRUNED, trial.value if study.plan.minimize else -trial.value)


def _summary(study: Study, trials: list[FrozenTrial]) -> str:
    plan = study.plan
    kind = {"grid": "grid", "random": "random values", "tpe": "tree-structured Parzen estimator"}[plan.sampler]
    counts = [f"{count} {state}" for state, count in _counts(trials).items() if count]
    return f"{counted(plan.size(), 'trial')} ({kind}): {', '.join(counts)}.\n"


def _counts(trials: list[FrozenTrial]) -> dict[str, int]:
    """Return the number of trials in each state."""
    return {name: sum(trial.state == state for trial in trials) for state, name in STATES.items()}


def _table(study: Study, trials: list[FrozenTrial]) -> list[str]:
    names = list(study.plan.space)
    lines = [
        "| "
        + " | ".join(["trial", study.plan.metric, *(f"`{name}`" for name in names), "state", "epochs", "minutes"])
        + " |",
        "|" + " --- |" * (len(names) + 5),
    ]
    for trial in trials:
        rows = read_results(study.folder_of(trial.number))
        last = rows[-1] if rows else {"epoch": "0", "minutes": "0"}
        values = values_of(trial)
        state = trial.user_attrs.get(ERROR) or STATES[trial.state]
        cells = [
            str(trial.number),
            "" if trial.value is None else f"{trial.value:.4f}",
            *(_cell(values[name]) if name in values else "" for name in names),
            state.replace("|", "\\|"),
            last["epoch"],
            f"{float(last['minutes']):.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _cell(value: Any) -> str:
    text = describe_value(value).replace("|", "\\|")
    return f"`{text}`" if isinstance(value, list | dict) else text


def _effects(study: Study) -> list[str]:
    """Draw the complete trials, and return a table of what each setting explains and the lines of the pictures."""
    trials, lines = _complete(study), []
    if shares := effects.shares(trials, study.plan):
        lines += [
            f"How much of the variance of {study.plan.metric} among {len(trials)} complete trials each setting alone"
            " explains (adjusted R²):",
            "",
            "| setting | share |",
            "| --- | --- |",
            *(f"| `{name}` | {share:.0%} |" for name, share in shares.items()),
            "",
        ]
    try:
        effects.draw(study.folder, trials, study.plan)
    except Exception as error:  # of any kind: no picture is worth the trials that are left
        if interrupted():
            raise KeyboardInterrupt from error
        logger.warning("the pictures of %s could not be drawn (%s: %s)", study.folder, type(error).__name__, error)
        return lines
    lines += [f"![each setting alone]({SLICES})", "", f"![all settings of each trial]({PARALLEL})"]
    for name, values in effects.letters(study.plan).items():
        lines += ["", f"`{name}` in the pictures:", ""]
        lines += [f"- {letter}: `{describe_value(value)}`" for letter, value in values.items()]
    return lines
