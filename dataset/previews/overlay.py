"""Draws what was seen into a recorded frame: class outlines, the detection's box, a line of text. Opens no window."""

import logging
from pathlib import Path

import cv2
import numpy as np

from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording
from dataset.schema import HERO, PEOPLE

logger = logging.getLogger(__name__)

SIZE = 384  # pixels; QuadSim's 256 are too few for outlines and text
CAPTION = 22
HERO_COLOUR, PEOPLE_COLOUR, BOX_COLOUR = (255, 225, 0), (90, 170, 255), (255, 60, 60)  # RGB
PAPER, INK, FAINT = (250, 250, 250), (30, 30, 30), (150, 150, 150)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(recording: Recording, record: FrameRecord) -> np.ndarray:
    """A recorded frame with its overlays and a caption below; (SIZE + CAPTION, SIZE, 3) uint8 RGB.

    A frame that cannot be read is a grey picture that says so.
    """
    try:
        image, mask = _read(recording.image_path(record)), _read(recording.mask_path(record))
    except RecordingError as error:
        logger.warning("%s", error)
        return np.concatenate([np.full((SIZE, SIZE, 3), FAINT, np.uint8), _caption(f"{record.frame}  unreadable", INK)])
    scale = np.array([SIZE, SIZE]) / image.shape[:2]
    picture = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    classes = cv2.resize((mask > 0).astype(np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_NEAREST_EXACT)
    for label, colour in ((PEOPLE, PEOPLE_COLOUR), (HERO, HERO_COLOUR)):
        plane = np.ascontiguousarray(classes[..., label])
        outlines, _ = cv2.findContours(plane, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, colour, 1)
    if record.detection:
        top, left, bottom, right = np.array(record.detection.box) * np.tile(scale, 2)
        corners = (int(left) - 3, int(top) - 3), (int(right) + 3, int(bottom) + 3)
        cv2.rectangle(picture, *corners, BOX_COLOUR, 1)
    hidden = record.frame in recording.hidden
    if hidden:
        picture = (picture // 3 + 160).astype(np.uint8)
    text = caption_of(record) + (" [hidden]" if hidden else "")
    return np.concatenate([picture, _caption(text, FAINT if hidden else INK)])


def caption_of(record: FrameRecord) -> str:
    """The frame in a few words; a state that has just begun in capitals."""
    parts = [record.frame]
    parts += [record.state.upper() if record.changed else record.state] if record.state else []
    parts += [f"{record.range.metres:.1f} m ({record.range.source})"] if record.range else []
    parts += [f"hero {record.hero_pixels} px"] if record.hero_pixels else []
    parts += [record.note] if record.note else []
    return "  ".join(parts)


def _caption(text: str, colour: tuple[int, int, int]) -> np.ndarray:
    caption = np.full((CAPTION, SIZE, 3), PAPER, np.uint8)
    return cv2.putText(caption, text, (6, 15), _FONT, 0.42, colour, 1, cv2.LINE_AA)


def _read(path: Path) -> np.ndarray:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if bgr is None:
        raise RecordingError(f"{path}: expected an image, got {len(data)} bytes that are none")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
