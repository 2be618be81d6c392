"""Recorded frames with what was seen and decided: outlines, the detection's box, a caption; many on a contact sheet."""

import logging
from collections.abc import Sequence

import cv2
import numpy as np

from dataset.archives import DatasetError
from dataset.images import decode_image
from dataset.previews.drawing import FAINT, INK, caption, draw_outline, tiled
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.recording import Recording
from dataset.schema import HERO, PEOPLE

logger = logging.getLogger(__name__)

SIZE = 384  # pixels; QuadSim's 256 are too few for outlines and text
HERO_COLOUR, PEOPLE_COLOUR, BOX_COLOUR = (255, 225, 0), (90, 170, 255), (255, 60, 60)  # RGB
SHEET_COLUMNS, SHEET_GAP = 5, 6  # frames, pixels


def overlay(recording: Recording, record: FrameRecord) -> np.ndarray:
    """Draw a frame, or grey if it cannot be read, with a caption below; (SIZE + CAPTION, SIZE, 3) uint8 RGB."""
    try:
        paths = [recording.path / name for name in record.files()[:2]]
        image, mask = (decode_image(path.read_bytes(), path) for path in paths)
    except (DatasetError, OSError) as error:
        logger.warning("%s", error)
        return np.vstack([np.full((SIZE, SIZE, 3), FAINT, np.uint8), caption(f"{record.frame}  unreadable", SIZE)])
    view = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    for label, colour in ((PEOPLE, PEOPLE_COLOUR), (HERO, HERO_COLOUR)):
        draw_outline(view, mask[..., label] > 0, colour)
    if record.detection:
        top, left, bottom, right = np.array(record.detection.box) * np.tile(SIZE / np.array(image.shape[:2]), 2)
        cv2.rectangle(view, (int(left) - 3, int(top) - 3), (int(right) + 3, int(bottom) + 3), BOX_COLOUR, 1)
    text = caption_of(record)
    if record.frame not in recording.hidden:
        return np.vstack([view, caption(text, SIZE, INK)])
    return np.vstack([(view // 3 + 160).astype(np.uint8), caption(f"{text} [hidden]", SIZE, FAINT)])


def caption_of(record: FrameRecord) -> str:
    """Return a short description of a frame; a state that has just begun is in capitals."""
    parts = [record.frame]
    parts += [record.state.upper() if record.changed else record.state] if record.state else []
    parts += [f"{record.range.metres:.1f} m ({record.range.source})"] if record.range else []
    parts += [f"target {record.hero_pixels} px"] if record.hero_pixels else []
    parts += [record.note] if record.note else []
    return "  ".join(parts)


def contact_sheet(recording: Recording, count: int) -> np.ndarray:
    """Draw at most `count` of a recording's frames as (height, width, 3) uint8 RGB, see `select`."""
    return tiled([overlay(recording, record) for record in select(recording.frames, count)], SHEET_COLUMNS, SHEET_GAP)


def select(frames: Sequence[FrameRecord], count: int) -> list[FrameRecord]:
    """Select at most `count` frames in order: up to half are changes of state, the rest is spread evenly."""
    changes = [index for index, frame in enumerate(frames) if frame.changed][: count // 2]
    spread = np.linspace(0, len(frames) - 1, min(count - len(changes), len(frames))).round().astype(int)
    return [frames[index] for index in sorted({*changes, *spread.tolist()})]
