"""`python scripts/bench.py corrections`: what the correction of a flight's labels is worth to a network.

A flight of the built-in simulator is recorded without ground truth, so that the network labels it itself; the ground
truth is kept aside. A script then corrects some of its frames by the calls of the page: none, as many chosen at random,
or those that the page says are most suspicious. Three trainings from the same weights and seed, of as many steps, learn
from these labels and from --data. Reported are the errors of the labels, and recall, false positives and IoU of the
networks on other flights of the same difficulty, and on --validation.

Finished parts are kept in FOLDER: started again, the benchmark goes on. With --steps 0 it ends with the labels.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from config.numbers import real_number, whole_number
from config.outputs import file_to_write
from config.paths import path_of
from dataset.files import replacing, write_atomically
from dataset.pairs import Pair
from dataset.recordings.editing import part_of, write
from dataset.recordings.recording import open_recording
from model import run_files
from model.evaluation.breakdown import figures
from model.evaluation.measure import PRECISION, measure, read_data
from model.evaluation.results import ALL_FRAMES
from model.inference.load import load_segmenter
from model.weights.find import find_weights
from scripts.benchmarks.harness.bridges import process, receive, serve_follower
from scripts.benchmarks.harness.digests import digest
from scripts.benchmarks.harness.label_errors import label_errors
from scripts.benchmarks.harness.recorded_flights import Labels, Page, correct, record_flight
from scripts.benchmarks.harness.terminal import console, print_table
from simulator.difficulty.levels import LEVELS

Row = dict[str, Any]
NONE, RANDOM, SUSPICIOUS = "none", "random", "suspicious"  # which frames are corrected; names of recordings and runs
SHIPPED = "before"  # the network that nobody has trained on
EPOCHS = 20  # of a training: its weights are averaged over epochs


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add = parser.add_argument
    add("--out", type=path_of, required=True, metavar="FOLDER", help="for recordings, trainings and results")
    add("--weights", default="model_weights.h5", help="the network that labels, and learns (default %(default)s)")
    add("--difficulty", choices=LEVELS, default="look-alikes", help="see python -m simulator --help")
    add("--first-seed", type=whole_number(), default=9000, help="of the recorded flight (default %(default)s)")
    add("--seconds", type=real_number(1.0), default=80.0, help="of each flight, simulated (default %(default)s)")
    add("--corrections", type=whole_number(1), default=60, help="frames to correct (default %(default)s)")
    add(
        "--others",
        type=whole_number(1),
        default=4,
        help="flights of the next seeds to measure on (default %(default)s)",
    )
    add("--data", type=path_of, action="append", default=[], metavar="DIR|ZIP", help="to train on, too")
    add("--validation", type=path_of, metavar="DIR|ZIP", help="to measure on, too")
    text = f"of each training, in {EPOCHS} epochs (default %(default)s)"
    add("--steps", type=whole_number(), default=240, help=text)
    add("--settings", type=path_of, metavar="TOML", help="of the trainings, besides")
    add("--json", type=file_to_write, metavar="FILE", help="write the results for other programs")


class Parts:
    """Results of finished parts in a file, so that none is done twice."""

    def __init__(self, file: Path, options: Row) -> None:
        """Read the file if it exists. Raises ValueError if its parts were done with other options."""
        self._file = file
        stored = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"options": options, "parts": {}}
        if stored["options"] != options:
            raise ValueError(f"{file} was made with other options or weights: give the same, or another folder")
        self._content = stored

    def once(self, name: str, do: Callable[[], Any]) -> Any:
        """Return the result of a part, plain data, from the file if it was done before."""
        parts = self._content["parts"]
        if name not in parts:
            parts[name] = do()
            write_atomically(self._file, json.dumps(self._content, indent=1) + "\n")
        return parts[name]


def benchmark(options: argparse.Namespace) -> object:
    """Do all parts, print the results and return them for JSON."""
    options.out.mkdir(parents=True, exist_ok=True)
    relevant = {key: str(value) for key, value in vars(options).items() if key not in ("out", "json")}
    parts = Parts(options.out / "parts.json", relevant | {"weights": digest(find_weights(options.weights))})
    labels = _record_and_correct(options, parts)
    print_table(labels, f"labels of {labels[0]['frames']} frames; by chance: of the wrong frames, at random")
    if not options.steps:
        return {"labels": labels}
    models = {SHIPPED: find_weights(options.weights)}
    for arm in (NONE, RANDOM, SUSPICIOUS):
        models[arm] = _train(options, arm)
    data = {"flights": [_recording(options, seed) for seed in _other_seeds(options)]}
    if options.validation:
        data["validation"] = [options.validation]
    networks = []
    for name, sources in data.items():
        rows = [
            {"measured_on": name, "network": model, **parts.once(f"{name} {model}", lambda: _measure(weights, sources))}  # noqa: B023
            for model, weights in models.items()
        ]
        print_table(rows, "false positives per 1,000 negative frames; score: IoU x TP / (TP + FP + FN)")
        networks += rows
    return {"labels": labels, "networks": networks}


def _recording(options: argparse.Namespace, name: object) -> Path:
    return Path(options.out) / "recordings" / f"{name}"


def _other_seeds(options: argparse.Namespace) -> range:
    return range(options.first_seed + 1, options.first_seed + 1 + (options.others if options.steps else 0))


def _record_and_correct(options: argparse.Namespace, parts: Parts) -> list[Row]:
    """Fly all flights and correct the first one three times; return the errors of its labels."""
    file, recordings = options.out / "truth.npz", options.out / "recordings"
    with console.status("starting the follower"), process(serve_follower, options.weights, recordings) as bridge:
        port = receive(bridge)

        def fly(name: object, seed: int, with_truth: bool) -> Labels:
            recording = _recording(options, name)
            return record_flight(port, recording, options.difficulty, seed, options.seconds, with_truth)

        def fly_first() -> int:
            truth = fly(NONE, options.first_seed, with_truth=False)
            with replacing(file) as temporary, temporary.open("wb") as stream:
                np.savez_compressed(stream, **truth)  # type: ignore[arg-type]
            return len(truth)

        parts.once("flight", fly_first)
        with np.load(file) as stored:
            truth = dict(stored)
        rows = [
            parts.once(f"labels {arm}", lambda: _correct(options, port, arm, truth))  # noqa: B023
            for arm in (NONE, RANDOM, SUSPICIOUS)
        ]
        for seed in _other_seeds(options):
            parts.once(f"flight {seed}", lambda: len(fly(seed, seed, with_truth=True)))  # noqa: B023
    return rows


def _correct(options: argparse.Namespace, port: int, arm: str, truth: Labels) -> Row:
    """Correct a copy of the recorded flight; return how wrong its labels were and are."""
    original, recording = _recording(options, NONE), _recording(options, arm)
    before, chosen, draw = label_errors(original, truth), list[str](), random.Random(options.first_seed)
    if arm != NONE:
        shutil.rmtree(recording, ignore_errors=True)
        source = open_recording(original)
        write([part_of(source, source.names)], recording, "copied")
    if arm == RANDOM:
        chosen = draw.sample(sorted(truth), min(options.corrections, len(truth)))
    if arm == SUSPICIOUS:
        suspicious = Page(port).get(f"/api/recordings/{recording.name}/suspicious")["frames"]
        chosen = [each["frame"] for each in suspicious[: options.corrections]]
        others = sorted(truth.keys() - chosen)  # if fewer are suspicious
        chosen += draw.sample(others, min(options.corrections, len(truth)) - len(chosen))
    correct(port, recording.name, chosen, truth)
    after = label_errors(recording, truth)
    return {
        "corrected": arm,
        "frames": len(truth),
        "looked_at": len(chosen),
        "were_wrong": len(before.frames.intersection(chosen)),
        "by_chance": len(chosen) * len(before.frames) / len(truth),
        "still_wrong": len(after.frames),
        "false_positives": len(after.false_positives),
        "missed": len(after.missed),
        "wrong_pixels": after.pixels,
    }


def _train(options: argparse.Namespace, arm: str) -> Path:
    """Train on the labels of one arm, or finish its training; return the model. Raises RuntimeError."""
    run = Path(options.out) / "runs" / arm
    if not (run / "done").is_file():
        console.print(f"training: {arm}")
        command = ["--resume", str(run)] if (run / run_files.CHECKPOINT).is_file() else training(options, arm, run)
        if subprocess.run([sys.executable, "-P", "-m", "model.train", *command], check=False).returncode:
            raise RuntimeError(f"the training in {run} failed, see above; started again, the benchmark goes on")
        (run / "done").touch()
        shutil.rmtree(options.out / "cache", ignore_errors=True)  # of packed frames, which no other training needs
    return run / run_files.LAST


def training(options: argparse.Namespace, arm: str, run: Path) -> list[str]:
    """Return the arguments of a new training; what is left of an earlier one in the folder `run` is removed."""
    shutil.rmtree(run, ignore_errors=True)
    recording, settings = _recording(options, arm), _settings(options)
    command = ["--init", str(find_weights(options.weights)), "--recordings", str(recording)]
    command += [part for data in options.data for part in ("--data", str(data))]
    command += ["--skip-bad", "--no-validation", "--run", str(run), "--cache", str(options.out / "cache")]
    return [*command, "--settings", str(settings), "--epochs", str(EPOCHS)]


def _settings(options: argparse.Namespace) -> Path:
    """Write and return the settings of the trainings: short epochs, and no searches for hard examples between them."""
    file = Path(options.out) / "train.toml"
    own = options.settings.read_text(encoding="utf-8") if options.settings else ""
    write_atomically(file, f"steps_per_epoch = {max(options.steps // EPOCHS, 1)}\nmining_interval = 0\n{own}")
    return file


def _measure(weights: Path, sources: Sequence[Path]) -> Row:
    """Return the figures of a model on the frames of all sources."""
    pairs: list[Pair] = [pair for source in sources for pair in read_data(source, None, skip_bad=True)[0]]
    with console.status(f"measuring {weights}"):
        segmenter = load_segmenter(str(weights), precision=PRECISION)
        results = [result for result, _ in measure(segmenter, pairs, [ALL_FRAMES] * len(pairs))]
    found = figures(results)
    targets = [each for each in results if each.has_target]
    true = sum(each.score.detected for each in targets)
    false = sum(each.score.detected for each in results) - true
    iou = found.hero_iou.value
    return {
        "recall": found.recall.value,
        "recall_95_%": _interval(asdict(found.recall)),
        "false_positives": found.false_positives.value,
        "fp_95_%": _interval(asdict(found.false_positives)),
        "iou": iou,
        "score": None if iou is None else iou * true / (len(targets) + false),
        "targets": len(targets),
        "negatives": found.negatives,
    }


def _interval(figure: Row) -> str:
    return "-" if figure["low"] is None else f"{figure['low']:.2f}-{figure['high']:.2f}"
