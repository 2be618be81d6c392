"""The state of a sweep, in Optuna's storage: which trials wait, run and have ended.

Processes on several machines may share it. Whoever takes or ends a trial holds the sweep's lock; whoever runs one holds
that trial's lock, which the system releases when the process dies: the trial is then tried again.
"""

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, TrialState

from model.sweep.journal import Journal
from model.sweep.plan import Plan, Range

LENGTH = 100  # of a trial, in the steps at which pruning compares
ERROR = "error"  # attribute of a failed trial: why
_PLAN, _FIXED = "plan", "fixed_params"  # attributes: ours of the study, Optuna's of a trial that was enqueued
_IN_JOURNAL = "sweep"  # name of the study in a journal, which has no other: its folder may be renamed
_MAY_CHANGE = ("trials",)  # of a plan, while its sweep goes on


@dataclass(frozen=True)
class Attempt:
    """A trial that this process runs."""

    trial: optuna.Trial
    values: dict[str, Any]  # by setting
    folder: Path  # of its training
    lock: FileLock


class Study:
    """A sweep in `folder`; its state is there, or in the database `url`."""

    def __init__(self, plan: Plan, folder: Path, url: str | None = None) -> None:
        """Begin a sweep, or join it.

        Raises ValueError if its state cannot be read, or state or folder belong to another sweep.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise ValueError(
                f"expected a folder for the sweep, but {folder} is, or is in, a file: choose another --out"
            ) from error
        self.plan, self.folder = plan, folder
        self._distributions = {name: _distribution(values) for name, values in plan.ranges().items()}
        self._lock = FileLock(folder / "lock")
        with self._lock:
            try:
                self.optuna = optuna.create_study(
                    storage=url or JournalStorage(Journal(folder / "journal.log")),
                    study_name=folder.name if url else _IN_JOURNAL,
                    load_if_exists=True,
                    direction="minimize" if plan.minimize else "maximize",
                    pruner=_pruner(plan),
                )
                known = self.optuna.user_attrs.get(_PLAN)
            except ImportError as error:
                raise ValueError(
                    f"the database of --storage needs a driver that is not installed ({error.__context__ or error});"
                    " for PostgreSQL: pip install 'psycopg[binary]'"
                ) from error
            except Exception as error:  # what a damaged journal or a database raises is not documented
                raise ValueError(
                    f"the state of the sweep in {folder} cannot be read ({type(error).__name__}: {error}):"
                    " restore it, or choose another --out"
                ) from error
            if known is None:
                if any(folder.glob("trial-*")):
                    raise ValueError(
                        f"{folder} holds trials of another sweep, or of one whose state is elsewhere:"
                        " choose another --out"
                    )
                self._begin()
            elif changed := _changes(known, _stored(plan)):
                raise ValueError(
                    f"the sweep in {folder} began with other values of {changed}: restore them, or choose another --out"
                )
            elif plan.sampler == "grid":
                self._recover()
                if not self.others_run():
                    self._retry_failed()

    def take(self) -> Attempt | None:
        """Return the next trial, or None if none waits; others may still run."""
        with self._lock:
            self._recover()
            if not self.left():
                return None
            self.optuna.sampler = _sampler(self.plan, len(self.optuna.get_trials(deepcopy=False)))
            trial = self.optuna.ask(self._distributions)
            folder = self.folder_of(trial.number)
            try:
                folder.mkdir()
            except FileExistsError as error:
                raise ValueError(
                    f"{folder} exists, but the sweep has not begun this trial: its state is older than its folder,"
                    " or another sweep's; choose another --out"
                ) from error
            lock = _running_lock(folder)
            lock.acquire()
            return Attempt(trial, _values(trial.params), folder, lock)

    def left(self) -> int:
        """Return how many trials are still to begin."""
        waiting = len(self._of(TrialState.WAITING))
        if self.plan.sampler == "grid":
            return waiting
        begun = self._of(TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        return max(waiting, self.plan.trials - len(begun))

    def end(self, attempt: Attempt, value: float | None, *, pruned: bool = False, error: str = "") -> None:
        """Record a trial's outcome: its value, or with `error` why it has none."""
        with self._lock:
            if error:
                attempt.trial.set_user_attr(ERROR, error)
                self.optuna.tell(attempt.trial, state=TrialState.FAIL)
            else:
                state = TrialState.PRUNED if pruned else TrialState.COMPLETE
                self.optuna.tell(
                    attempt.trial, None if pruned else value, state=state
                )  # pruned: what was reported last
            attempt.lock.release()

    def give_back(self, attempt: Attempt) -> None:
        """End a trial that was interrupted, to be tried again by whoever is next."""
        with self._lock:
            self._try_again(self.optuna.trials[attempt.trial.number])
            attempt.lock.release()

    def others_run(self) -> bool:
        """Return whether trials run in other processes."""
        return bool(self._of(TrialState.RUNNING))

    def trials(self) -> list[FrozenTrial]:
        """Return all trials but those that were interrupted and tried again."""
        return [each for each in self.optuna.trials if each.state != TrialState.FAIL or ERROR in each.user_attrs]

    def folder_of(self, number: int) -> Path:
        """Return the folder of a trial's training."""
        return self.folder / f"trial-{number:04}"

    def _begin(self) -> None:
        if self.plan.sampler == "grid":
            combinations = list(self.plan.grid())
            random.Random(self.plan.seed).shuffle(combinations)  # so that half a grid covers all of it
            for values in combinations:
                parameters = {name: _parameter(value) for name, value in values.items()}
                self.optuna.enqueue_trial(parameters, skip_if_exists=True)  # this may have been interrupted before
        self.optuna.set_user_attr(_PLAN, _stored(self.plan))

    def _retry_failed(self) -> None:
        """Let the combinations of a grid wait again that have failed and not succeeded since."""
        failed = [each for each in self._of(TrialState.FAIL) if ERROR in each.user_attrs]
        others = [each for each in self.optuna.trials if each.state != TrialState.FAIL]
        covered = [_parameters(each) for each in others]
        for trial in failed:
            if trial.params not in covered:
                self.optuna.enqueue_trial(trial.params)
                covered.append(trial.params)

    def _recover(self) -> None:
        """Put the trials of killed processes back."""
        for trial in self._of(TrialState.RUNNING):
            lock = _running_lock(self.folder_of(trial.number))
            try:
                with lock.acquire(blocking=False):
                    self._try_again(trial)
            except Timeout:
                pass  # its process lives

    def _try_again(self, trial: FrozenTrial) -> None:
        """Let a trial wait again, and only then end it: a process that is killed in between loses none."""
        parameters = _parameters(trial)
        if all(each.system_attrs.get(_FIXED) != parameters for each in self._of(TrialState.WAITING)):
            self.optuna.enqueue_trial(parameters)
        self.optuna.tell(trial.number, state=TrialState.FAIL)

    def _of(self, *states: TrialState) -> list[FrozenTrial]:
        return self.optuna.get_trials(deepcopy=False, states=states)


def values_of(trial: FrozenTrial) -> dict[str, Any]:
    """Return the values of a trial's settings, also of one that waits; empty if they are not chosen yet."""
    return _values(_parameters(trial))


def _parameters(trial: FrozenTrial) -> dict[str, Any]:
    fixed: dict[str, Any] = trial.system_attrs.get(_FIXED, {})
    return fixed | trial.params


def _values(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return Optuna's parameters as values of settings. Optuna takes no lists and sections; they are kept as JSON."""
    return {
        name: json.loads(value) if isinstance(value, str) and value[:1] in ("[", "{") else value
        for name, value in parameters.items()
    }


def _parameter(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _running_lock(folder: Path) -> FileLock:
    folder.mkdir(exist_ok=True)
    return FileLock(folder / "running.lock")


def _distribution(values: list[Any] | Range) -> BaseDistribution:
    if isinstance(values, list):
        return CategoricalDistribution([_parameter(value) for value in values])
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _sampler(plan: Plan, number: int) -> BaseSampler:
    """Return the sampler of one trial: by its number, so that no two processes draw the same."""
    seed = random.Random(f"{plan.seed} {number}").getrandbits(32)
    return TPESampler(multivariate=True, seed=seed) if plan.sampler == "tpe" else RandomSampler(seed)


def _pruner(plan: Plan) -> BasePruner:
    if not plan.pruning.enabled:
        return NopPruner()
    first = max(1, round(LENGTH * plan.pruning.min_fraction))
    return HyperbandPruner(min_resource=first, max_resource=LENGTH, reduction_factor=plan.pruning.factor)


def _stored(plan: Plan) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(json.dumps(asdict(plan)))
    return stored


def _changes(before: dict[str, Any], after: dict[str, Any]) -> str:
    names = (before.keys() | after.keys()) - set(_MAY_CHANGE)
    return ", ".join(sorted(name for name in names if before.get(name) != after.get(name)))
