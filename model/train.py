"""Trains a network on labelled frames, from scratch or on from a model, and keeps a run folder.

    python -m model.train --data train.zip --data collected_runs.zip --minutes 30
    python -m model.train --init model_weights.h5 --data recordings/my_run --data train.zip:0.5 --minutes 10
    python -m model.train --resume runs/20261121-101500

A dataset is a folder or a zip with images/ and masks/; `:WEIGHT` behind it draws its frames more or less often. Without
`--validation` or `--hold-out`, one frame in twenty is held out, in stretches, so that neighbours stay together.
"""

# Worker processes import this module: Keras and its backend are imported in `_run` only.
import argparse
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from model.batches import Batches
from model.dataset import DatasetError, Pair, content_hash, find_pairs, summarise
from model.frames import pack
from model.run_folder import RunFolder
from model.train_settings import SettingsError, load_settings

console = Console()


def _sources(values: list[str]) -> list[tuple[Path, float]]:
    """`PATH` or `PATH:WEIGHT`; a Windows drive letter is no weight."""
    sources = []
    for value in values:
        path, _, weight = value.rpartition(":")
        try:
            sources.append((Path(path), float(weight)) if path else (Path(value), 1.0))
        except ValueError:
            sources.append((Path(value), 1.0))
    return sources


def _collect(options) -> tuple[list[Pair], np.ndarray, list[Pair]]:
    """Training pairs with their weights, and validation pairs."""
    pairs, weights, problems = [], [], []
    for path, weight in _sources(options.data):
        found, wrong = find_pairs(path)
        pairs += found
        problems += wrong
        weights += [weight] * len(found)
    if problems and not options.skip_bad:
        raise DatasetError(f"{summarise(problems)}\nrepair the data, or leave these out with --skip-bad")
    validation = []
    for path in options.validation:
        validation += find_pairs(path)[0]
    if options.hold_out:
        held = [pair for pair in pairs if any(run in pair.run for run in options.hold_out)]
        if not held:
            raise DatasetError(
                f"--hold-out: no run is called {options.hold_out}; there are {sorted({p.run for p in pairs})}"
            )
        validation += held
        keep = [not any(run in pair.run for run in options.hold_out) for pair in pairs]
        pairs = [pair for pair, kept in zip(pairs, keep, strict=True) if kept]
        weights = [weight for weight, kept in zip(weights, keep, strict=True) if kept]
    return pairs, np.array(weights), validation


def main(arguments: list[str] | None = None) -> int:
    """Parses, trains, and says where the model is."""
    parser = argparse.ArgumentParser(
        prog="python -m model.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", action="append", default=[], metavar="DIR|ZIP[:WEIGHT]", help="frames to learn from")
    parser.add_argument("--validation", action="append", default=[], metavar="DIR|ZIP", help="frames to measure on")
    parser.add_argument("--hold-out", action="append", default=[], metavar="RUN", help="validate on this run of --data")
    parser.add_argument("--init", metavar="H5", help="go on from this model instead of from scratch")
    parser.add_argument("--resume", metavar="RUN", help="go on with an interrupted training")
    parser.add_argument("--settings", metavar="TOML", help="changes to model/train.toml")
    parser.add_argument("--preset", help="a network of model.networks; default: the settings'")
    parser.add_argument("--minutes", type=float, help="train this long instead of for a number of epochs")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare batches (default 1)")
    parser.add_argument("--run", type=Path, metavar="DIR", help="the run folder; default runs/<date-time>")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where decoded frames are kept")
    parser.add_argument("--skip-bad", action="store_true", help="leave out files that are wrong, instead of stopping")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except (DatasetError, SettingsError, ValueError) as error:
        console.print(f"[red]{error}", highlight=False, markup=True)
        return 2


def _run(options) -> int:
    if options.resume:
        run = RunFolder(Path(options.resume))
        stored = run.read_json("arguments.json")
        vars(options).update({key: value for key, value in stored.items() if key not in ("resume", "workers")})
        options.cache = Path(options.cache)
    else:
        run = RunFolder(options.run or Path("runs") / time.strftime("%Y%m%d-%H%M%S"))
        run.write_json("arguments.json", vars(options))
    if not options.data:
        raise DatasetError("expected at least one --data DIR|ZIP")
    overrides = {key: getattr(options, key) for key in ("preset", "epochs") if getattr(options, key)}
    settings = load_settings(options.settings, overrides)
    run.write_json("settings.json", asdict(settings))
    pairs, weights, held = _collect(options)

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    from model import networks
    from model.trainer import Trainer
    from model.weights import load_model

    keras.utils.set_random_seed(settings.seed)
    model = load_model(options.init).model if options.init else networks.build(settings.preset)

    def show(text):
        return lambda items: track(items, description=text, console=console)

    size = model.input_shape[1]
    frames = pack(pairs, options.cache, size, progress=show("reading training frames"))
    validation = pack(held, options.cache, size, progress=show("reading validation frames")) if held else None
    hashes = {pair.name: content_hash(pair) for pair in pairs} if not options.resume else None
    if hashes is not None:
        run.write_manifest(pairs, held, hashes)

    trainer = Trainer(model, settings, run, console)
    if options.resume:
        trainer.load()
    console.print(
        f"{len(frames)} frames to learn from, {len(held)} to measure on; {model.count_params() / 1e6:.2f} M parameters,"
        f" {networks.multiply_accumulates(model) / 1e9:.2f} GMAC a frame; {keras.backend.backend()},"
        f" {trainer.precision}; run folder {run.path}"
    )
    batches = Batches(frames, settings.sampling, weights, settings.seed, options.workers)
    try:
        trainer.fit(batches, validation, options.minutes)
    except KeyboardInterrupt:
        console.print(f"interrupted; go on with: python -m model.train --resume {run.path}")
        return 130
    finally:
        batches.close()
    console.print(f"done: {trainer.finish()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
