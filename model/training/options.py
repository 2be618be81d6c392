"""The command line of `model.train`: its options, which of them a resumed training takes anew, and the run folder."""

import argparse
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from dataset.archives import DatasetError
from model.evaluation.promotion.criteria import CRITERIA
from model.training import run_files
from model.training.run_folder import RunFolder

DEFAULTS = {
    "data": [], "recordings": [], "validation": [], "hold_out": [], "no_validation": False, "skip_bad": False,
    "init": None, "teacher": [], "promote": False, "better": "all", "tolerance": 0.02,
    "resume": None, "settings": None, "preset": None, "minutes": None, "epochs": None, "validate_every": None,
    "workers": 1, "strategy": None, "run": None, "cache": Path("runs/cache"), "tensorboard": False,
}  # fmt: skip
ANEW = ("minutes", "epochs", "validate_every", "settings", "workers", "cache", "strategy", "tensorboard")  # to --resume
LENGTH = {"minutes", "epochs"}  # one takes the place of the other


def parse(description: str, arguments: Sequence[str] | None = None) -> tuple[argparse.Namespace, dict[str, object]]:
    """All options with their defaults, and those that were given. Exits with 2 where they do not go together."""
    parser = argparse.ArgumentParser(
        prog="python -m model.train",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,  # what is not given is DEFAULTS', or with --resume the run's
    )
    parser.add_argument("--data", action="append", metavar="DIR|ZIP[:WEIGHT]", help="frames to learn from")
    parser.add_argument(
        "--recordings",
        action="extend",
        nargs="+",
        metavar="RUN",
        help="recordings, drawn as often as --data",
    )
    parser.add_argument("--validation", action="append", metavar="DIR|ZIP", help="frames to measure on")
    parser.add_argument(
        "--hold-out", action="append", metavar="RUN", help="measure on this run of --data and --recordings instead"
    )
    parser.add_argument(
        "--no-validation", action="store_true", help="hold nothing out: learn from all, measure nothing"
    )
    parser.add_argument(
        "--init",
        metavar="H5",
        help="go on from this model instead of from scratch; with --preset from its weights, as far as they fit that",
    )
    parser.add_argument(
        "--teacher",
        action="append",
        metavar="H5",
        help="a model whose view of each sample is learnt, too; of several, their mean",
    )
    parser.add_argument(
        "--promote", action="store_true", help="replace the file of --init if the new model is better; the old is kept"
    )
    parser.add_argument(
        "--better",
        choices=CRITERIA,
        help="what must improve: hero IoU of all, far or near targets, or the false-positive rate (default all)",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        metavar="SHARE",
        help="how much worse it may be elsewhere (default 0.02)",
    )
    parser.add_argument(
        "--resume",
        metavar="RUN",
        help=f"go on with an interrupted training as it was started; only {_options(ANEW)} can be given anew",
    )
    parser.add_argument(
        "--settings", metavar="TOML", help="changes to model/train.toml; with --resume to the run's own settings"
    )
    parser.add_argument("--preset", help="a network of model.networks; default: the settings'")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_above_0, help="train this long instead of for a number of epochs")
    length.add_argument("--epochs", type=_at_least_1, metavar="NUMBER")
    parser.add_argument(
        "--validate-every", type=_at_least_1, metavar="EPOCHS", help="measure so often; default: the settings'"
    )
    parser.add_argument("--workers", type=int, help="processes that prepare batches (default 1)")
    parser.add_argument(
        "--strategy", choices=("mirrored", "multiworker"), help="train on all GPUs, or on the workers in TF_CONFIG"
    )
    parser.add_argument("--run", type=Path, metavar="DIR", help="the run folder; default runs/<date-time>")
    parser.add_argument("--cache", type=Path, help="where decoded frames are kept (default runs/cache)")
    parser.add_argument("--skip-bad", action="store_true", help="leave out files that are wrong, instead of stopping")
    parser.add_argument("--tensorboard", action="store_true", help="write the figures for TensorBoard too")
    given = vars(parser.parse_args(arguments))
    if "resume" in given and (refused := given.keys() - {"resume", *ANEW}):
        parser.error(f"--resume goes on as the training was started, without {_options(sorted(refused))}")
    return argparse.Namespace(**DEFAULTS | given), given


def _above_0(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


def _at_least_1(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text}")
    return value


def _options(names: Sequence[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def open_run(options: argparse.Namespace, given: Mapping[str, object], claim: ExitStack) -> RunFolder:
    """The run folder, new or to be resumed; then `options` become what they were, but for what is given anew.

    It is this process's alone until `claim` is closed, unless several train together.
    """
    if options.resume:
        path = Path(options.resume)
        if not (path / run_files.ARGUMENTS).is_file():
            raise DatasetError(
                f"--resume expects the folder of a training, but there is no {run_files.ARGUMENTS} in {path}"
            )
        run = RunFolder(path)
        stored = run.read_json(run_files.ARGUMENTS)
        kept = (DEFAULTS.keys() & stored.keys()) - {"resume"} - given.keys()
        if LENGTH & given.keys():
            kept -= LENGTH
        vars(options).update({key: stored[key] for key in kept})
        options.cache = Path(options.cache)
        _check_workers(options)
        _claim(run, options, claim)
        run.clear_leftovers()
        return run
    if not options.data and not options.recordings:
        raise DatasetError("expected at least one --data DIR|ZIP or --recordings RUN")
    _check_workers(options)
    run = RunFolder(options.run or Path("runs") / time.strftime("%Y%m%d-%H%M%S"))
    _claim(run, options, claim)
    if run.checkpoint.exists():
        raise DatasetError(f"{run.path} holds a training: go on with --resume {run.path}, or choose another --run")
    run.write_json(run_files.ARGUMENTS, vars(options))
    return run


def _check_workers(options: argparse.Namespace) -> None:
    if options.strategy == "multiworker" and (options.minutes or not (options.run or options.resume)):
        raise ValueError(
            "--strategy multiworker needs --run, and --epochs instead of --minutes: each worker has its clock"
        )


def _claim(run: RunFolder, options: argparse.Namespace, claim: ExitStack) -> None:
    if options.strategy != "multiworker":
        claim.enter_context(run.claimed())
