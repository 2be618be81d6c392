"""The report of a sweep: sweep.md with table and pictures, best.toml to train with, sweep.json for the browser."""

import json
import warnings
from typing import Any

import matplotlib
import optuna
from optuna.trial import FrozenTrial, TrialState

from dataset.files import replacing, write_atomically
from model.run_files import BEST, LAST, read_results
from model.sweep.files import BEST_SETTINGS, PARALLEL, REPORT, SLICES, STATE
from model.sweep.plan import to_toml
from model.sweep.study import ERROR, Study, values_of

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
ENOUGH = 4  # complete trials for importances and pictures


def best_trial(study: Study) -> FrozenTrial | None:
    """Return the complete trial with the best value; None if none is complete."""
    complete = [each for each in study.trials() if each.state == TrialState.COMPLETE]
    return min(complete, key=lambda trial: _rank(study, trial)) if complete else None


def write(study: Study) -> FrozenTrial | None:
    """Write all files of the report into the sweep's folder; return the best trial, as `best_trial`."""
    trials, best = sorted(study.trials(), key=lambda trial: _rank(study, trial)), best_trial(study)
    lines = [f"# {study.folder.name}", "", _summary(study, trials)]
    if best is not None:
        settings = study.plan.settings_of(values_of(best))
        heading = f"# trial {best.number} of {study.folder.name}, {study.plan.metric} {best.value:.4g}\n"
        write_atomically(study.folder / BEST_SETTINGS, heading + to_toml(settings))
        folder = study.folder_of(best.number)
        model = folder / BEST if (folder / BEST).exists() else folder / LAST  # which is all without validation
        lines += [
            f"Best: trial {best.number}, {study.plan.metric} {best.value:.4f}. Its model is `{model}`, its"
            f" settings are in `{BEST_SETTINGS}`, for `python -m model.train --settings`.",
        ]
    lines += ["", *_table(study, trials)]
    if sum(trial.state == TrialState.COMPLETE for trial in trials) >= ENOUGH:
        lines += ["", "## What mattered", "", *_importances(study), "", *_pictures(study)]
    write_atomically(study.folder / REPORT, "\n".join(lines) + "\n")
    write_atomically(study.folder / STATE, json.dumps(_state(study, trials, best), indent=2))
    return best


def _rank(study: Study, trial: FrozenTrial) -> tuple[int, float]:
    """Return the key that sorts trials: complete ones by value, pruned ones by their last, then those without."""
    if trial.state not in (TrialState.COMPLETE, TrialState.PRUNED) or trial.value is None:
        return (2, trial.number)
    return (trial.state == TrialState.PRUNED, trial.value if study.plan.minimize else -trial.value)


def _summary(study: Study, trials: list[FrozenTrial]) -> str:
    plan = study.plan
    kind = {"grid": "grid", "random": "random values", "tpe": "tree-structured Parzen estimator"}[plan.sampler]
    counts = [f"{count} {state}" for state, count in _counts(trials).items() if count]
    return f"{plan.size()} trials ({kind}): {', '.join(counts)}.\n"


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
            *(_cell(values.get(name, "")) for name in names),
            state.replace("|", "\\|"),
            last["epoch"],
            f"{float(last['minutes']):.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _importances(study: Study) -> list[str]:
    """Return a table of how much of the metric's variation each setting explains."""
    try:
        importances = optuna.importance.get_param_importances(study.optuna)
    except (ValueError, RuntimeError) as error:  # settings that have one value, all trials alike
        return [f"The importance of each setting cannot be computed: {error}"]
    rows = [f"| `{name}` | {share:.0%} |" for name, share in importances.items()]
    return ["| setting | importance |", "| --- | --- |", *rows]


def _pictures(study: Study) -> list[str]:
    """Draw the trials by setting, and return the lines that show the pictures."""
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from optuna.visualization import matplotlib as plots

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's plots are experimental, and matplotlib has remarks on their layout
        for name, plot in ((SLICES, plots.plot_slice), (PARALLEL, plots.plot_parallel_coordinate)):
            plot(study.optuna, target_name=study.plan.metric)
            figure = pyplot.gcf()
            figure.set_size_inches(max(8.0, 3.0 * len(study.plan.space)), 5.0)
            with replacing(study.folder / name) as temporary:
                figure.savefig(temporary, dpi=100, bbox_inches="tight")
            pyplot.close("all")
    return [f"![each setting alone]({SLICES})", "", f"![all settings of each trial]({PARALLEL})"]


def _state(study: Study, trials: list[FrozenTrial], best: FrozenTrial | None) -> dict[str, Any]:
    """Return what the workshop page shows."""
    return {
        "trials": study.plan.size(),
        "metric": study.plan.metric,
        **_counts(trials),
        "best": None
        if best is None
        else {"trial": best.number, "value": best.value, "settings": values_of(best)},
    }
