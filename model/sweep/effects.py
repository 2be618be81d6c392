"""How much each setting of a sweep matters: its share of the metric's variance, and pictures of the trials."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from dataset.files import replacing
from model.sweep.files import PARALLEL, SLICES
from model.sweep.plan import Plan
from model.sweep.study import values_of

LONGEST = 8  # characters of a value in a picture; longer ones are named by letters
BANDS = 3  # of the values of a range, with equal numbers of trials


def shares(trials: Sequence[FrozenTrial], plan: Plan) -> dict[str, float]:
    """Return the share of the variance of complete trials' values that each setting alone explains, the largest first.

    It is the adjusted R² of an analysis of variance with one factor, whose levels are the setting's values, or bands of
    a range; adjusted, because chance explains a part of few trials. Empty if all trials have the same value.
    """
    metric = np.array([trial.value for trial in trials])
    if np.ptp(metric) == 0:
        return {}
    found = {}
    for name, tried in plan.space.items():
        values = [values_of(trial)[name] for trial in trials]
        if isinstance(tried, list):
            levels = np.array([tried.index(value) for value in values])
        else:
            levels = np.searchsorted(np.quantile(values, np.arange(1, BANDS) / BANDS), values)
        groups = [metric[levels == level] for level in np.unique(levels)]
        if 1 < len(groups) < len(metric):
            within = sum(np.sum((group - group.mean()) ** 2) for group in groups) / (len(metric) - len(groups))
            found[name] = max(0.0, float(1 - within / metric.var(ddof=1)))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def letters(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return the values that a picture cannot name, by setting and by the letter that stands for each there.

    They are long, or lists and sections, which Optuna does not take.
    """
    return {
        name: {chr(ord("A") + index): value for index, value in enumerate(values)}
        for name, values in plan.space.items()
        if isinstance(values, list)
        and any(isinstance(value, list | dict) or len(json.dumps(value)) > LONGEST for value in values)
    }


def draw(folder: Path, trials: Sequence[FrozenTrial], plan: Plan) -> None:
    """Draw complete trials by each setting alone, and by all together."""
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from optuna.visualization import matplotlib as plots

    study = optuna.create_study(direction="minimize" if plan.minimize else "maximize")
    study.add_trials([_lettered(trial, letters(plan)) for trial in trials])
    column = max(3.0, 0.14 * max(map(len, plan.space)))  # inches, so that the names do not overlap
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's plots are experimental, and matplotlib has remarks on their layout
        for name, plot in ((SLICES, plots.plot_slice), (PARALLEL, plots.plot_parallel_coordinate)):
            plot(study, target_name=plan.metric)
            figure = pyplot.gcf()
            for axes in figure.axes if name == SLICES else ():
                axes.tick_params("x", which="both", rotation=60)  # those of logarithmic axes are long
            figure.set_size_inches(max(8.0, column * len(plan.space)), 5.0)
            with replacing(folder / name) as temporary:
                figure.savefig(temporary, dpi=100, bbox_inches="tight")
            pyplot.close("all")


def _lettered(trial: FrozenTrial, letters: dict[str, dict[str, Any]]) -> FrozenTrial:
    """Return a trial for the pictures, with letters for the values that these cannot name."""
    values = values_of(trial)
    distributions: dict[str, BaseDistribution] = dict(trial.distributions)
    for name, by_letter in letters.items():
        values[name] = next(letter for letter, value in by_letter.items() if value == values[name])
        distributions[name] = CategoricalDistribution(list(by_letter))
    return create_trial(params=values, distributions=distributions, value=trial.value, state=TrialState.COMPLETE)
