"""Pictures of single predictions: the frame with truth and prediction outlined, many of them on one sheet."""

from collections.abc import Iterable

import cv2
import numpy as np

from dataset.schema import HERO
from model.evaluation.measure import FrameResult
from model.evaluation.metrics import predicted_mask
from model.score import resize_mask

TRUTH, PREDICTION, PAPER, INK = (0, 230, 255), (255, 235, 0), (250, 250, 250), (30, 30, 30)  # RGB
TILE = 256
CAPTION = 20
ZOOMED = 48  # least pixels of the frame, across, that the enlarged part shows
FONT = cv2.FONT_HERSHEY_SIMPLEX


def tile(result: FrameResult, image: np.ndarray, mask: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """One frame beside an enlarged part of it, with a caption; (TILE + CAPTION, 2 * TILE, 3) uint8 RGB.

    Args:
        result: of this frame, for the caption.
        image: (height, width, 3) uint8 RGB.
        mask: the truth, (height, width, 3) uint8.
        prediction: (rows, columns, 3) probabilities.
    """
    size = prediction.shape[:2]
    views = outlined_views(image, resize_mask(mask, size)[..., HERO], predicted_mask(prediction)[..., HERO])
    caption = np.full((CAPTION, 2 * TILE, 3), PAPER, np.uint8)
    score = result.score
    pixels = f"truth {score.target_pixels} px  seen {score.predicted_pixels} px"
    text = f"{result.pair.name}  IoU {score.iou[HERO]:.2f}  {pixels}"
    cv2.putText(caption, text, (4, 14), FONT, 0.4, INK, 1, cv2.LINE_AA)
    return np.vstack([views, caption])


def outlined_views(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """One frame beside an enlarged part of it, the hero outlined as it is and as it was predicted.

    Args:
        image: (height, width, 3) uint8 RGB.
        truth, predicted: (rows, columns) bool.

    Returns: (TILE, 2 * TILE, 3) uint8 RGB.
    """
    rows, columns = truth.shape
    image = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    top, left, side = _part_of_interest(truth | predicted)
    part = np.s_[top : top + side, left : left + side]
    whole, close = (_outlined(image[at], truth[at], predicted[at]) for at in (np.s_[:, :], part))
    scale = TILE / np.array([rows, columns])
    corner, opposite = np.array([top, left]) * scale, np.array([top + side, left + side]) * scale
    cv2.rectangle(whole, _point(corner), _point(opposite - 1), PAPER, 1)
    return np.hstack([whole, close])


def sheet(tiles: Iterable[np.ndarray], columns: int = 3) -> np.ndarray:
    """Tiles of one size laid out below a legend, (height, width, 3) uint8 RGB."""
    tiles = list(tiles)
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], PAPER)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    legend = np.full((30, rows[0].shape[1], 3), PAPER, np.uint8)
    for left, colour, text in ((6, TRUTH, "hero in the truth"), (186, PREDICTION, "hero as predicted")):
        cv2.rectangle(legend, (left, 9), (left + 14, 21), colour, -1)
        cv2.putText(legend, text, (left + 20, 20), FONT, 0.45, INK, 1, cv2.LINE_AA)
    return np.vstack([legend, *rows])


def _outlined(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The picture at TILE x TILE with outlines one pixel wide, around the regions and not over them."""
    size = (TILE, TILE)
    drawn = cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)
    for region, colour in ((truth, TRUTH), (predicted, PREDICTION)):
        large = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        drawn[(cv2.dilate(large, np.ones((3, 3), np.uint8)) > 0) & (large == 0)] = colour
    return drawn


def _part_of_interest(region: np.ndarray) -> tuple[int, int, int]:
    """(top, left, side) of the square that shows the region with some surroundings, inside the frame."""
    rows, columns = np.nonzero(region)
    if not len(rows):
        return 0, 0, min(region.shape)
    side = max(ZOOMED, int(1.5 * max(np.ptp(rows), np.ptp(columns))))
    side = min(side, *region.shape)
    middle = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
    top, left = (int(np.clip(at - side // 2, 0, most - side)) for at, most in zip(middle, region.shape, strict=True))
    return top, left, side


def _point(row_column: np.ndarray) -> tuple[int, int]:
    return int(row_column[1]), int(row_column[0])
