"""Pictures of findings, for a person to judge them: a sheet for each kind."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from dataset.audit.findings import COPIES, Finding
from dataset.images import decode_image
from dataset.pairs import Pair, read_pair
from dataset.previews.drawing import Colour, caption, draw_outline, draw_text, tiled
from dataset.schema import CLASSES, HERO, PEOPLE

SIDE = 192  # pixels of a picture
MIN_SHOWN = 48  # pixels of a frame around a person
COLUMNS = 4
OUTLINES: dict[int, Colour] = {PEOPLE: (90, 255, 90), HERO: (255, 220, 0)}
MARK: Colour = (255, 220, 0)
CAPTION_LETTERS = 46


def sheet(findings: Sequence[Finding], pairs: Mapping[str, Pair]) -> np.ndarray:
    """Draw findings of one kind, (height, width, 3) uint8 RGB; `pairs` are their frames by `frame_id`."""
    return tiled([_example(finding, pairs) for finding in findings], COLUMNS, gap=6)


def _example(finding: Finding, pairs: Mapping[str, Pair]) -> np.ndarray:
    pair = pairs[finding.frame]
    image, labels = read_pair(pair)
    text = f"{finding.score:.2f} {finding.label} {pair.image.name}"[:CAPTION_LETTERS]
    if finding.kind in COPIES:
        original = pairs[finding.same_as].image
        views = [image, decode_image(original.read(), original)]
        views = [cv2.resize(view, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for view in views]
    else:
        top, left, side = _shown(finding, labels.shape)
        part = np.s_[top : top + side, left : left + side]
        plain, marked = (cv2.resize(image[part], (SIDE, SIDE), interpolation=cv2.INTER_NEAREST_EXACT) for _ in range(2))
        if finding.box.is_empty:
            for label, colour in OUTLINES.items():
                draw_outline(marked, labels[part] == label, colour)
        else:
            region = np.zeros(labels.shape, bool)
            box = np.s_[finding.top : finding.bottom, finding.left : finding.right]
            region[box] = labels[box] == CLASSES.index(finding.label)
            draw_outline(marked, region[part], MARK)
        views = [plain, marked]
    if finding.leave_out == "no":
        draw_text(views[-1], "listed only", 6, SIDE - 8, (255, 255, 255))
    return np.vstack([caption(text, 2 * SIDE), np.hstack(views)])


def _shown(finding: Finding, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (top, left, side) of the square that is drawn: the whole frame, or a person with surroundings."""
    if finding.box.is_empty:
        return 0, 0, min(shape)
    top, left, bottom, right = finding.box
    side = min(max(MIN_SHOWN, 2 * max(bottom - top, right - left)), *shape)
    rows, columns = shape
    return (
        min(max((top + bottom - side) // 2, 0), rows - side),
        min(max((left + right - side) // 2, 0), columns - side),
        side,
    )
