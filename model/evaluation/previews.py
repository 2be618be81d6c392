"""Previews of predictions: the frame with ground truth and prediction outlined, many of them on one contact sheet."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from dataset.files import replacing
from dataset.masks.labels import channels_of_labels
from dataset.pairs import read_pair
from dataset.previews.drawing import FAINT, PAPER, Colour, caption, draw_outline, draw_text, tiled
from dataset.schema import DEFAULT_CLASSES, HERO, IGNORED, Classes, rgb
from model.evaluation.overlays import OPACITY
from model.evaluation.prediction_files import Predictor, file_name, predict
from model.evaluation.results import Evaluation, FrameResult
from model.score import predicted_mask, resize_mask

GROUND_TRUTH, PREDICTION = (0, 230, 255), (255, 235, 0)  # RGB
SIDE = 256  # height of each view, pixels
MIN_ZOOMED = 48  # pixels of the frame, across, that the enlarged part shows at least


def preview(result: FrameResult, predictor: Predictor) -> np.ndarray:
    """Draw one frame beside an enlarged part of it, with a caption; (SIDE + CAPTION, width, 3) uint8 RGB.

    Frames of other classes are drawn by `coloured_views`.
    """
    image, labels = read_pair(result.pair)
    (prediction,) = predict(predictor, [result.pair], image[None])
    if (classes := result.classes) != DEFAULT_CLASSES:
        views = coloured_views(image, labels, prediction.argmax(axis=-1).astype(np.uint8), classes)
        return np.vstack([views, caption(f"{result.pair.name}  {result.describe()}", views.shape[1])])
    ground_truth = resize_mask(channels_of_labels(labels), prediction.shape[:2])
    views = outlined_views(image, ground_truth[..., HERO], predicted_mask(prediction)[..., HERO])
    score = result.score
    pixels = f"ground truth {score.target_pixels:.0f} px  predicted {score.predicted_pixels:.0f} px"
    text = f"{result.pair.name}  IoU {result.hero_iou:.2f}  {pixels}"
    return np.vstack([views, caption(text, views.shape[1])])


def outlined_views(image: np.ndarray, ground_truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Draw one frame, (height, width, 3) uint8 RGB, beside an enlarged part of it; (SIDE, width, 3) uint8 RGB.

    The target is outlined by ground truth and by prediction, both (rows, columns) bool.
    """
    rows, columns = ground_truth.shape
    image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    top, left, side = _region_of_interest(ground_truth | predicted)
    region = np.s_[top : top + side, left : left + side]
    whole, enlarged = (_outlined(image[at], ground_truth[at], predicted[at]) for at in (np.s_[:, :], region))
    corners = np.array([(left, top), (left + side, top + side)]) * SIDE / rows - ((0, 0), (1, 1))
    first, last = corners.astype(int).tolist()
    cv2.rectangle(whole, first, last, PAPER, 1)
    return np.hstack([whole, enlarged])


def contact_sheet(previews: Iterable[np.ndarray], columns: int = 3) -> np.ndarray:
    """Lay out previews of one size below a legend, (height, width, 3) uint8 RGB."""
    sheet = tiled(list(previews), columns)
    entries = [(GROUND_TRUTH, "target, ground truth"), (PREDICTION, "target, predicted")]
    return np.vstack([_legend(entries, sheet.shape[1]), sheet])


def coloured_views(image: np.ndarray, labels: np.ndarray, predicted: np.ndarray, classes: Classes) -> np.ndarray:
    """Draw one frame with its labels, beside it with the predicted ones; (SIDE, width, 3) uint8 RGB.

    Labels and predictions are (rows, columns) uint8 of any size, in the colours of the classes; ignored pixels stay.
    """
    image = cv2.resize(image, _drawn_size(image), interpolation=cv2.INTER_AREA)
    return np.hstack([_coloured(image, each, classes) for each in (labels, predicted)])


def coloured_sheet(previews: Sequence[np.ndarray], classes: Classes, columns: int = 2) -> np.ndarray:
    """Lay out frames that `coloured_views` drew below a legend, (height, width, 3) uint8 RGB."""
    sheet = tiled(previews, columns)
    entries = list(zip(map(rgb, classes.colours), classes.names, strict=True))
    return np.vstack([_legend([(PAPER, "left: ground truth, right: predicted"), *entries], sheet.shape[1]), sheet])


def _coloured(image: np.ndarray, labels: np.ndarray, classes: Classes) -> np.ndarray:
    labels = cv2.resize(labels, image.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(classes)] = [*map(rgb, classes.colours)]
    mixed = cv2.addWeighted(image, 1 - OPACITY, colours[labels], OPACITY, 0)
    return np.where((labels == IGNORED)[..., None], image, mixed)


def _legend(entries: Sequence[tuple[Colour, str]], width: int) -> np.ndarray:
    """Return a strip with a patch of each colour and its text, in as many lines as that takes."""
    lines, left = [np.full((30, width, 3), PAPER, np.uint8)], 6
    for colour, text in entries:
        needed = max(180, 20 + 8 * len(text))
        if left + needed > width and left > 6:
            lines.append(np.full((30, width, 3), PAPER, np.uint8))
            left = 6
        cv2.rectangle(lines[-1], (left, 9), (left + 14, 21), colour, -1)
        if colour != PAPER and min(colour) >= min(PAPER):  # white
            cv2.rectangle(lines[-1], (left, 9), (left + 14, 21), FAINT, 1)
        draw_text(lines[-1], text, left + 20, 20, size=0.45)
        left += needed
    return np.vstack(lines)


def draw_worst(evaluation: Evaluation, predictor: Predictor, count: int, folder: Path) -> list[Path]:
    """Draw the worst frames of one model onto one sheet; return its path, or nothing when no frame has a target."""
    previews = [preview(result, predictor) for result in evaluation.worst(count)]
    if not previews:
        return []
    path = folder / f"{file_name(evaluation.model)}.png"
    folder.mkdir(parents=True, exist_ok=True)
    classes = evaluation.classes
    sheet = contact_sheet(previews) if classes == DEFAULT_CLASSES else coloured_sheet(previews, classes)
    with replacing(path) as temporary:
        Image.fromarray(sheet).save(temporary)
    return [path]


def _outlined(image: np.ndarray, ground_truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the image, SIDE high, with both outlines."""
    drawn = cv2.resize(image, _drawn_size(image), interpolation=cv2.INTER_NEAREST_EXACT)
    draw_outline(drawn, ground_truth, GROUND_TRUTH)
    draw_outline(drawn, predicted, PREDICTION)
    return drawn


def _drawn_size(image: np.ndarray) -> tuple[int, int]:
    """Return (width, height) of a view of an image."""
    height, width = image.shape[:2]
    return round(SIDE * width / height), SIDE


def _region_of_interest(mask: np.ndarray) -> tuple[int, int, int]:
    """Return (top, left, side) of a square that shows the mask with some surroundings, inside the frame."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return 0, 0, min(mask.shape)
    side = max(MIN_ZOOMED, int(1.5 * max(np.ptp(rows), np.ptp(columns))))
    side = min(side, *mask.shape)
    middle = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
    top, left = (int(np.clip(at - side // 2, 0, most - side)) for at, most in zip(middle, mask.shape, strict=True))
    return top, left, side
