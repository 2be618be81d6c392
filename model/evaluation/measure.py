"""Measurement: find labelled frames and the set of each, load segmenters, run them, score each prediction."""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rich.markup import escape
from rich.progress import track

from config.paths import path_of
from dataset.archives import DatasetError, member_path
from dataset.checks import check_pairs
from dataset.layouts.kitti_road import Split
from dataset.masks.colours import MaskColours
from dataset.masks.labels import channels_of_labels
from dataset.pairs import Pair, classes_of, describe_colours, find_pairs, read_pair
from dataset.problems import summarise_problems
from dataset.schema import DEFAULT_CLASSES, IGNORED, REFERENCE_PIXELS, VISIBLE_PIXELS, Classes, at_reference_size
from model.console import console, print_place, print_plain
from model.data.prefetch import prefetch
from model.evaluation.pixel_curve import pixel_histograms
from model.evaluation.prediction_files import (
    Predictor,
    StoredPredictions,
    Writer,
    file_name,
    holds_predictions,
    predict,
)
from model.evaluation.results import ALL_FRAMES, OFFICIAL_SETS, Evaluation, FrameResult
from model.inference.choices import Precision, Runtime
from model.inference.load import load_segmenter
from model.score import FrameScore, confusion_matrix, score_frame
from model.weights.find import find_weights

BATCH = 16
PRECISION: Precision = "float32"  # of all measurements, so that a model has the same figures in every run


def read_data(
    source: Path,
    limit: int | None,
    skip_bad: bool = False,
    colours: MaskColours | None = None,
    split: Split | None = None,
) -> tuple[list[Pair], list[str]]:
    """Return the pairs to evaluate, at most `limit` evenly spread ones, and the set of each, after checking the files.

    `colours` are those of masks whose meaning the data do not say, `split` the frames to evaluate of data that come
    divided: by default those for testing. Raises ValueError, and DatasetError that lists the bad frames, unless these
    are to be left out, or if the frames have different classes.
    """
    pairs, problems = find_pairs(source, colours)
    classes_of(pairs)
    pairs = _of_split(pairs, split)
    names = set_names(pairs, source) if pairs else []
    count = min(limit or len(pairs), len(pairs))
    rows = np.linspace(0, len(pairs) - 1, count).round().astype(int).tolist()
    with console.status("checking the frames"):
        bad = check_pairs([pairs[row] for row in rows])
    problems += bad.values()
    if problems and not skip_bad:
        raise DatasetError(f"{summarise_problems(problems)}\nrepair the data, or leave these out with --skip-bad")
    if problems:
        print_plain(f"left out, {summarise_problems(problems)}", "yellow")
    rows = [row for index, row in enumerate(rows) if index not in bad]
    if not rows:
        raise ValueError(f"expected images with masks in {source}, found no pair")
    pairs, names = [pairs[row] for row in rows], [names[row] for row in rows]
    for note in describe_colours(pairs):
        print_plain(note, "yellow")
    if count := sum(pair.pseudo_labelled for pair in pairs):
        text = "masks are pseudo-labels: they measure agreement with what labelled them, not accuracy"
        print_plain(f"{count} of {len(pairs)} {text}", "yellow")
    return pairs, names


def _of_split(pairs: list[Pair], split: Split | None) -> list[Pair]:
    """Return the pairs of a split, by default those for testing if there are any. Raises ValueError if it has none."""
    there = {pair.split for pair in pairs}
    wanted = split or ("testing" if "testing" in there else None)
    if wanted is None:
        return pairs
    if wanted not in there:
        found = ", ".join(sorted(filter(None, there))) or "not divided"
        raise ValueError(f"--split {wanted}: the data have no frames for that; they are {found}")
    chosen = [pair for pair in pairs if pair.split == wanted]
    if len(chosen) < len(pairs):
        print_plain(f"{len(chosen)} of {len(pairs)} frames, those for {wanted}; --split chooses others", "yellow")
    return chosen


def set_names(pairs: Sequence[Pair], source: str | Path) -> list[str]:
    """Return the set of each pair: the official one whose folder it lies in below `source`, else ALL_FRAMES.

    Raises ValueError when some of the official sets are missing, or frames lie beside them.
    """
    names = [_set_name(pair, Path(source)) for pair in pairs]
    present = set(names)
    if present in ({ALL_FRAMES}, set(OFFICIAL_SETS)):
        return names
    missing = [name for name in OFFICIAL_SETS if name not in present]
    if missing:
        raise ValueError(
            f"expected the sets {', '.join(OFFICIAL_SETS)} in {source}, but {' and '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing or empty; to evaluate one set alone, give its own folder"
        )
    stray = pairs[names.index(ALL_FRAMES)]
    raise ValueError(f"expected only {', '.join(OFFICIAL_SETS)} in {source}, but {stray.image} lies beside them")


def _set_name(pair: Pair, source: Path) -> str:
    parts = member_path(pair.mask.member).parts if pair.mask.member else pair.mask.path.relative_to(source).parts
    return next((name for name in OFFICIAL_SETS if name in parts), ALL_FRAMES)


def measure(
    predictor: Predictor, pairs: Sequence[Pair], set_names: Sequence[str]
) -> Iterator[tuple[FrameResult, np.ndarray]]:
    """Predict and score every pair, of any size, in batches; the next two batches are decoded meanwhile.

    Yields the result of each pair, in order, and its prediction, (rows, columns, classes) probabilities.
    Raises DatasetError, naming the file, for a frame that cannot be read.
    """
    with ThreadPoolExecutor(2) as pool:
        frames = zip(pairs, set_names, prefetch(pool, read_pair, pairs, ahead=2 * BATCH), strict=True)
        while batch := list(itertools.islice(frames, BATCH)):
            for _, group in itertools.groupby(batch, key=lambda each: each[2][0].shape):
                same_size = list(group)
                images = np.stack([image for *_, (image, _) in same_size])
                start = time.perf_counter()
                predictions = predict(predictor, [pair for pair, *_ in same_size], images)
                is_stored = isinstance(predictor, StoredPredictions)
                seconds = None if is_stored else (time.perf_counter() - start) / len(images)
                for (pair, set_name, (image, labels)), prediction in zip(same_size, predictions, strict=True):
                    yield _frame_result(pair, set_name, image, labels, prediction, seconds), prediction


def evaluate_models(
    predictors: Mapping[str, Predictor],
    pairs: Sequence[Pair],
    set_names: Sequence[str],
    writers: Sequence[Writer] = (),
) -> list[Evaluation]:
    """Measure each model, by name, with a progress bar; `writers` get the predictions. Raises DatasetError, OSError."""
    evaluations = []
    for name, predictor in predictors.items():
        results = []
        frames = measure(predictor, pairs, set_names)
        for result, prediction in track(frames, escape(name), len(pairs), console=console, transient=True):
            results.append(result)
            for writer in writers:
                writer.write(result.pair, result.set_name, prediction, file_name(name) if len(predictors) > 1 else "")
        evaluations.append(Evaluation(name, predictor.describe(), tuple(results), classes_of(pairs)))
    return evaluations


def load_predictors(models: Sequence[str], runtime: Runtime, pairs: Sequence[Pair]) -> dict[str, Predictor]:
    """Load models, and find folders of predictions of `pairs`; return them by the shortest names that tell them apart.

    Raises WeightsError, ValueError for predictions that are missing, OSError.
    """
    paths = [path_of(model) if holds_predictions(path_of(model)) else find_weights(model) for model in models]
    for model, path in zip(models, paths, strict=True):
        if path.is_file():
            print_place(model)
    with console.status("loading"):
        loaded: list[Predictor] = [
            StoredPredictions(path, pairs) if path.is_dir() else load_segmenter(f"{path}", runtime, precision=PRECISION)
            for path in paths
        ]
    predictors = dict(zip(distinct_names([path.resolve() for path in paths]), loaded, strict=True))
    classes = classes_of(pairs)
    for name, predictor in predictors.items():
        predictor.name = name
        if predictor.classes != classes:
            raise ValueError(
                f"{name} tells apart {predictor.classes}, but {pairs[0].mask.folder} shows {classes}: give data of the"
                " same classes, or name these in a classes.toml"
            )
    return predictors


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return as many of the last parts of each path as it takes to tell them apart."""
    for count in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(names)) == len(set(paths)):
            break
    return names


def _frame_result(
    pair: Pair, set_name: str, image: np.ndarray, labels: np.ndarray, prediction: np.ndarray, seconds: float | None
) -> FrameResult:
    classes = pair.colours.classes
    target = classes.target
    if classes != DEFAULT_CLASSES:  # at the masks' size, so that networks of different sizes can be compared
        prediction = cv2.resize(prediction, labels.shape[::-1], interpolation=cv2.INTER_LINEAR)
    hero = labels == target if target is not None else np.zeros(labels.shape, bool)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if grey.shape != hero.shape:
        grey = cv2.resize(grey, hero.shape[::-1], interpolation=cv2.INTER_AREA)
    small = cv2.resize(labels, prediction.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return FrameResult(
        pair=pair,
        set_name=set_name,
        hero_pixels=at_reference_size(np.count_nonzero(hero), hero.shape),
        brightness=float(grey[hero].mean()) if hero.any() else None,
        score=_score(pair, labels, small, prediction),
        confusion=confusion_matrix(small, prediction.argmax(axis=2), prediction.shape[2]),
        seconds=seconds,
        histograms=None if target is not None or prediction.shape[2] != 2 else pixel_histograms(prediction, small),
        confidence=0.0 if target is None else _confidence(prediction[..., target], small, classes),
    )


def _score(pair: Pair, labels: np.ndarray, small: np.ndarray, prediction: np.ndarray) -> FrameScore:
    """Score a prediction; `small` are the labels at its size. Masks of three classes are resized as in 2017."""
    classes = pair.colours.classes
    counted = small != IGNORED if pair.colours.ignored or pair.ignored else None
    if classes == DEFAULT_CLASSES:
        return score_frame(prediction, channels_of_labels(labels), counted=counted)
    score = score_frame(prediction, small[..., None] == np.arange(len(classes)), classes.target, counted)
    return replace(
        score,
        target_pixels=at_reference_size(score.target_pixels, small.shape),
        predicted_pixels=at_reference_size(score.predicted_pixels, small.shape),
    )


def _confidence(hero: np.ndarray, labels: np.ndarray, classes: Classes) -> float:
    """Return the probability that just as many pixels reach as it takes to detect a target, without ignored ones."""
    hero = np.where(labels == IGNORED, 0, hero)
    unseen = VISIBLE_PIXELS if classes == DEFAULT_CLASSES else VISIBLE_PIXELS * hero.size // REFERENCE_PIXELS
    if hero.size <= unseen:  # too few to detect a target whatever the threshold
        return 0.0
    return float(np.partition(hero.ravel(), -unseen - 1)[-unseen - 1])
