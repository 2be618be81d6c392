"""Leave out what an audit has found: whole frames, all but one copy of a picture, and parts of frames."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from dataset.archives import DatasetError
from dataset.audit.findings import COPIES, Finding, read_findings
from dataset.masks.ignored import IgnoredBox
from dataset.pairs import Pair, frame_id
from dataset.schema import CLASSES
from model.data.cleaning import CleanSplit
from model.data.packed_frames import PackedFrames


class LeftOut:
    """What a file of findings says to leave out, by `frame_id`."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises DatasetError, OSError."""
        self._path = path
        self._frames, self._boxes = dict[str, Finding](), defaultdict[str, list[Finding]](list)
        self._first = dict[str, tuple[str, str]]()  # of a copy: the first frame of the picture, and the kind
        for finding in read_findings(path):
            if finding.leave_out == "no":
                continue
            if finding.kind in COPIES:
                self._first[finding.frame] = finding.same_as, finding.kind
                self._first.setdefault(finding.same_as, (finding.same_as, finding.kind))
            elif finding.box.is_empty:
                self._frames[finding.frame] = finding
            else:
                self._boxes[finding.frame].append(finding)

    def split(self, split: CleanSplit) -> tuple[CleanSplit, str]:
        """Return training and validation frames without it, and a sentence. Of copies, those for validation stay."""
        counts, pictures = Counter[str](), set[str]()
        validation = None if split.validation is None else self._of(split.validation, pictures, counts)
        if validation is not None and not len(validation.usable):
            raise DatasetError(f"--without {self._path}: it leaves no frame to validate on")
        train = self._of(split.train, pictures, counts)
        return replace(split, train=train, validation=validation), self._describe(counts)

    def pairs(self, pairs: Sequence[Pair]) -> tuple[list[int], list[Pair], str]:
        """Return the rows of the pairs that stay, these with their ignored boxes, and a sentence. Reads all files."""
        names = [frame_id(pair.image.read(), pair.mask.read()) for pair in pairs]
        counts = Counter[str]()
        excluded = self._excluded(enumerate(names), set(), counts)
        rows = [row for row in range(len(pairs)) if row not in excluded]
        if not rows:
            raise DatasetError(f"--without {self._path}: it leaves no frame to evaluate")
        for row in rows:
            counts.update(each.kind for each in self._boxes.get(names[row], ()))
        return rows, [self._without_boxes(pairs[row], names[row]) for row in rows], self._describe(counts)

    def _of(self, frames: PackedFrames, pictures: set[str], counts: Counter[str]) -> PackedFrames:
        usable = [(row, frames.names[row]) for row in frames.usable.tolist()]
        excluded = self._excluded(usable, pictures, counts)
        ignored, sources = dict(frames.ignored), list(frames.sources)
        for row, name in usable:
            if row not in excluded and (found := self._boxes.get(name)):
                boxes = (IgnoredBox(each.box_in(*frames.size), CLASSES.index(each.label)) for each in found)
                ignored[row] = tuple(boxes)
                sources[row] = replace(sources[row], pair=self._without_boxes(sources[row].pair, name))
                counts.update(each.kind for each in found)
        return replace(frames, sources=tuple(sources), excluded=frames.excluded | excluded, ignored=ignored)

    def _without_boxes(self, pair: Pair, name: str) -> Pair:
        boxes = (IgnoredBox(each.box, CLASSES.index(each.label)) for each in self._boxes.get(name, ()))
        return replace(pair, ignored=tuple(boxes))

    def _excluded(self, names: Iterable[tuple[int, str]], pictures: set[str], counts: Counter[str]) -> frozenset[int]:
        """Return the rows of whole frames to leave out. `pictures` are those seen, to which it adds."""
        excluded = set()
        for row, name in names:
            if name in self._frames:
                excluded.add(row)
                counts[self._frames[name].kind] += 1
            elif name in self._first:
                first, kind = self._first[name]
                if first in pictures:
                    excluded.add(row)
                    counts[kind] += 1
                pictures.add(first)
        return frozenset(excluded)

    def _describe(self, counts: Counter[str]) -> str:
        if not counts:
            return f"--without {self._path}: nothing in it is about these frames, or to be left out"
        found = ", ".join(f"{count} x {kind}" for kind, count in counts.most_common())
        return f"left out by {self._path}: {found}"
