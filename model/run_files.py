"""Files in the folder of a training: their names, and reading the results. The dashboard imports it, so it is light."""

import csv
import json
from pathlib import Path
from typing import Any

ARGUMENTS = "arguments.json"  # the command line; a folder without it is no training
SETTINGS = "settings.json"
VERSIONS = "versions.json"  # of this program, Python and the libraries
MANIFEST = "manifest.json"  # the frames, with digests of images and masks
PROBLEMS = "problems.txt"  # what is wrong with the data

CHECKPOINT = "checkpoint.npz"  # what --resume continues from
LAST, BEST = "last.h5", "best.h5"
MODELS = (BEST, LAST)

RESULTS, CURVES = "results.csv", "results.png"  # a row for each epoch
EXAMPLES = "examples.png"  # validation frames with the network's current predictions
VALIDATION_REPORT, WORST_FRAMES = "validation.md", "worst"

PROMOTION_REPORT = "retrain.md"  # the new model compared with the one that it may replace
PROMOTION_PLOT = "retrain.png"
GAINED, LOST = "retrain-gained.png", "retrain-lost.png"
CORRECTED, LEARNT = "retrain-corrected.png", "retrain-learnt.png"  # by a person: measured on, and trained on
PICTURES = (EXAMPLES, PROMOTION_PLOT, CORRECTED, LEARNT, GAINED, LOST)  # shown in the browser

LOCK, TENSORBOARD = "lock", "tensorboard"

REMEDY = f"begin a new training from what it learnt, with --init FOLDER/{LAST}"


def read_object(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file. Raises ValueError that names a damaged one, and OSError."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error}): {REMEDY}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file} is damaged: expected an object, got {type(content).__name__}; {REMEDY}")
    return content


def read_results(folder: Path) -> list[dict[str, str]]:
    """Return the rows of results.csv so far; none if there is no such file."""
    try:
        with (folder / RESULTS).open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))
    except FileNotFoundError:
        return []
