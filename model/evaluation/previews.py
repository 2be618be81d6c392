"""Previews of predictions: the frame with ground truth and prediction outlined, many of them on one contact sheet."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from dataset.masks.labels import channels_of_labels
from dataset.pairs import read_pair
from dataset.previews.drawing import PAPER, caption, draw_outline, draw_text, tiled
from dataset.schema import HERO
from model.evaluation.prediction_files import Predictor, file_name, predict
from model.evaluation.results import Evaluation, FrameResult
from model.score import predicted_mask, resize_mask

GROUND_TRUTH, PREDICTION = (0, 230, 255), (255, 235, 0)  # RGB
SIDE = 256  # of each view, pixels
MIN_ZOOMED = 48  # pixels of the frame, across, that the enlarged part shows at least


def preview(result: FrameResult, predictor: Predictor) -> np.ndarray:
    """Draw one frame beside an enlarged part of it, with a caption; (SIDE + CAPTION, 2 * SIDE, 3) uint8 RGB."""
    image, labels = read_pair(result.pair)
    (prediction,) = predict(predictor, [result.pair], image[None])
    ground_truth = resize_mask(channels_of_labels(labels), prediction.shape[:2])
    views = outlined_views(image, ground_truth[..., HERO], predicted_mask(prediction)[..., HERO])
    score = result.score
    pixels = f"ground truth {score.target_pixels} px  predicted {score.predicted_pixels} px"
    text = f"{result.pair.name}  IoU {result.hero_iou:.2f}  {pixels}"
    return np.vstack([views, caption(text, 2 * SIDE)])


def outlined_views(image: np.ndarray, ground_truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Draw one frame, (height, width, 3) uint8 RGB, beside an enlarged part of it; (SIDE, 2 * SIDE, 3) uint8 RGB.

    The target is outlined by ground truth and by prediction, both (rows, columns) bool.
    """
    rows, columns = ground_truth.shape
    image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    top, left, side = _region_of_interest(ground_truth | predicted)
    region = np.s_[top : top + side, left : left + side]
    whole, enlarged = (_outlined(image[at], ground_truth[at], predicted[at]) for at in (np.s_[:, :], region))
    corners = np.array([(left, top), (left + side, top + side)]) * SIDE / (columns, rows) - ((0, 0), (1, 1))
    first, last = corners.astype(int).tolist()
    cv2.rectangle(whole, first, last, PAPER, 1)
    return np.hstack([whole, enlarged])


def contact_sheet(previews: Iterable[np.ndarray], columns: int = 3) -> np.ndarray:
    """Lay out previews of one size below a legend, (height, width, 3) uint8 RGB."""
    sheet = tiled(list(previews), columns)
    legend = np.full((30, sheet.shape[1], 3), PAPER, np.uint8)
    for left, colour, text in ((6, GROUND_TRUTH, "target, ground truth"), (186, PREDICTION, "target, predicted")):
        cv2.rectangle(legend, (left, 9), (left + 14, 21), colour, -1)
        draw_text(legend, text, left + 20, 20, size=0.45)
    return np.vstack([legend, sheet])


def draw_worst(evaluation: Evaluation, predictor: Predictor, count: int, folder: Path) -> list[Path]:
    """Draw the worst frames of one model onto one sheet; return its path, or nothing when no frame has a target."""
    previews = [preview(result, predictor) for result in evaluation.worst(count)]
    if not previews:
        return []
    path = folder / f"{file_name(evaluation.model)}.png"
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(previews)).save(path)
    return [path]


def _outlined(image: np.ndarray, ground_truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the image at SIDE x SIDE with both outlines."""
    drawn = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST_EXACT)
    draw_outline(drawn, ground_truth, GROUND_TRUTH)
    draw_outline(drawn, predicted, PREDICTION)
    return drawn


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
