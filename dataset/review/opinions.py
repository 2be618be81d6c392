"""opinions.jsonl: what networks say about the labels of a recording, one line per frame and doubt.

An opinion is about the labels that the network was shown. It no longer counts once the frame has others.
"""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import TypeAdapter, ValidationError

from dataset.files import write_atomically
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import OPINIONS


@dataclass(frozen=True)
class Doubt:
    """Why labels may be wrong."""

    reason: str  # in words
    chance: Annotated[float, Ge(0), Le(1)]  # that they are


@dataclass(frozen=True)
class Opinion:
    """A network's doubt about the labels of a frame that had so many pixels of hero and people."""

    frame: str
    hero_pixels: int
    people_pixels: int
    doubt: Doubt


def opinion_on(record: FrameRecord, doubt: Doubt) -> Opinion:
    """Return a doubt about the labels that a frame has now."""
    return Opinion(record.frame, record.hero_pixels, record.people_pixels, doubt)


def write_opinions(folder: Path, opinions: Iterable[Opinion]) -> None:
    """Replace the opinions on a recording. Raises OSError."""
    lines = [json.dumps(dataclasses.asdict(each)) + "\n" for each in opinions]
    write_atomically(folder / OPINIONS, "".join(lines))


def read_opinions(folder: Path, records: Iterable[FrameRecord]) -> dict[str, list[Doubt]]:
    """Return the doubts about the labels that frames have now, by frame; unreadable lines count for nothing."""
    try:
        lines = (folder / OPINIONS).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    shown = {(record.frame, record.hero_pixels, record.people_pixels) for record in records}
    doubts = defaultdict[str, list[Doubt]](list)
    for line in lines:
        try:
            opinion = _ADAPTER.validate_json(line)
        except ValidationError:
            continue
        if (opinion.frame, opinion.hero_pixels, opinion.people_pixels) in shown:
            doubts[opinion.frame].append(opinion.doubt)
    return doubts


_ADAPTER = TypeAdapter(Opinion)
