r"""Search training settings: a grid, random values, or a tree-structured Parzen estimator (Optuna's TPE).

    python -m model.sweep sweep.toml                      # all trials
    python -m model.sweep sweep.toml --minutes 480        # those that end in time
    python -m model.sweep sweep.toml --trials 20          # raises the number of trials, of random and tpe

Each trial is a training in a run folder of its own below the sweep's folder, which also gets sweep.md (table,
effects, pictures) and best.toml, settings to train with. Trials that are behind end early. The same command
continues a sweep, and joins in when it is started again, also on other machines that share the folder (and a database,
with --storage). Interrupted and killed trials are tried again.
The exit status is 0; 2 for input that cannot be used; 130 after Ctrl-C.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
# Trials import this module again: Keras, Optuna and their like are imported in functions only.
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.commands import command_parser, run_command
from config.numbers import real_number, whole_number
from config.paths import path_of
from model.console import console, print_plain
from model.sweep.files import REPORT
from model.sweep.plan import counted, describe_value, read_plan

if TYPE_CHECKING:
    from model.sweep.study import Attempt, Study
    from model.sweep.trial import Outcome

MANY = 200  # trials of a grid, more of which are begun only with --yes
MOST_FAILURES = 3  # in a row, after which a sweep ends
WAIT_SECONDS = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status, as listed above."""
    parser = command_parser("model.sweep", __doc__)
    parser.add_argument("plan", type=path_of, metavar="TOML", help="what to try; see docs/guide/sweep.md")
    parser.add_argument("--out", type=path_of, metavar="DIR", help="of the sweep (default runs/<name of the file>)")
    parser.add_argument("--minutes", type=real_number(0.01), help="of the whole sweep in this process")
    parser.add_argument(
        "--trial-minutes", type=real_number(0.01), metavar="MINUTES", help="of each trial, instead of its epochs"
    )
    parser.add_argument(
        "--trials", type=whole_number(1), metavar="NUMBER", help="instead of the file's; random and tpe only"
    )
    parser.add_argument("--storage", metavar="URL", help="database of the state, such as postgresql://host/name")
    parser.add_argument("--yes", action="store_true", help=f"begin a grid of more than {MANY} trials")
    options = parser.parse_args(arguments)

    def sweep() -> None:
        plan = read_plan(options.plan)
        if options.trial_minutes is not None:
            plan = replace(plan, trial_minutes=options.trial_minutes)
        if options.trials is not None:
            if plan.sampler == "grid":
                raise ValueError(
                    f"{options.plan} is a grid, all of which is tried: leave out --trials, or shorten its lists"
                )
            plan = replace(plan, trials=options.trials)
        if options.minutes and plan.trial_minutes and options.minutes <= plan.trial_minutes:
            raise ValueError(
                f"--minutes {options.minutes:g} leaves no time for a trial of {plan.trial_minutes:g} minutes: expected"
                " more than these"
            )
        if plan.sampler == "grid" and plan.size() > MANY and not options.yes:
            raise ValueError(
                f"{options.plan} is a grid of {plan.size()} trials: begin it with --yes, or choose the sampler"
                " random or tpe"
            )
        try:
            from model.sweep import study
        except ImportError as error:
            raise ValueError(f"{error.name} is not installed: pip install -r requirements-sweep.txt") from error

        folder = options.out or Path("runs") / options.plan.stem
        _run(study.Study(plan, folder, options.storage), options.minutes)

    return run_command("sweep", sweep)


def _run(study: "Study", minutes: float | None) -> None:
    """Run trials until none is left or the time is over; write the report before the first, and after each.

    Raises ValueError when the first trial of a sweep fails, or several in a row, because then all may.
    """
    from model.sweep import report

    began, failures, outcome = time.monotonic(), 0, None
    print_plain(f"{counted(study.plan.size(), 'trial')} in {study.folder} over {', '.join(study.plan.space)}")
    report.write(study)
    while attempt := _next(study, None if minutes is None else began + 60 * minutes):
        outcome = _attempt(study, attempt)
        study.end(attempt, outcome.value, pruned=outcome.pruned, error=outcome.error)
        best = report.write(study)
        name = f"trial {attempt.trial.number} ({_describe(attempt.values)})"
        if outcome.error:
            print_plain(f"{name} failed: {outcome.error}", style="red")
            failures += 1
            if best is None:
                raise ValueError(f"no trial has succeeded yet; the output of this one is in {attempt.folder}")
            if failures == MOST_FAILURES:
                raise ValueError(
                    f"{failures} trials in a row have failed; the output of the last one is in {attempt.folder}."
                    " Run the sweep again once the cause is mended: it goes on where it stopped"
                )
        else:
            failures = 0
            against = f"; best {best.value:.4f}, trial {best.number}" if best else ""
            how = ", pruned" if outcome.pruned else ""
            print_plain(f"{name}: {study.plan.metric} {outcome.value:.4f}{how}{against}")
    if left := study.left():
        print_plain(f"the time is over; {counted(left, 'trial')} left, which the same command goes on with")
    elif outcome is None:
        more = "" if study.plan.sampler == "grid" else ": for more, raise the number with --trials"
        print_plain(f"nothing is left to do{more}")
    print_plain(f"done: {study.folder / REPORT}")


def _next(study: "Study", end: float | None) -> "Attempt | None":
    """Return the next trial, or None if there is none or it would not end in time, by the monotonic clock."""
    length = 60 * (study.plan.trial_minutes or 0)
    waiting = False
    while end is None or time.monotonic() + length < end:
        attempt = study.take()
        if attempt or not study.others_run():
            return attempt
        if not waiting:
            waiting = True
            print_plain("waiting for trials of other processes, in case one of these is killed")
        time.sleep(WAIT_SECONDS)
    return None


def _attempt(study: "Study", attempt: "Attempt") -> "Outcome":
    """Run a trial. It is given back if this is interrupted."""
    from model.sweep import report
    from model.sweep.trial import run

    name = f"trial {attempt.trial.number}, {_describe(attempt.values)}"
    with console.status(name) as status:

        def show(row: Mapping[str, str]) -> None:
            score = row.get(study.plan.metric)
            status.update(f"{name}: epoch {row['epoch']}" + (f", {study.plan.metric} {score}" if score else ""))

        try:
            report.write_state(study)
            return run(attempt, study.plan, show)
        except BaseException:
            study.give_back(attempt)
            report.write_state(study)
            raise


def _describe(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {describe_value(value)}" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
