"""network_findings.jsonl: what networks found wrong with the labels of a recording, one line per frame and issue.

A finding is about the labels that the network was shown. It no longer counts once the frame has others.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dataset.files import write_atomically
from dataset.json_lines import json_line
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import NETWORK_FINDINGS
from dataset.review.label_issue import LabelIssue


@dataclass(frozen=True)
class NetworkFinding:
    """An issue that a network raised about the labels of a frame, which had so many pixels of hero and people."""

    frame: str
    hero_pixels: int
    people_pixels: int
    issue: LabelIssue


def finding_on(record: FrameRecord, issue: LabelIssue) -> NetworkFinding:
    """Return an issue about the labels that a frame has now."""
    return NetworkFinding(record.frame, record.hero_pixels, record.people_pixels, issue)


def write_network_findings(folder: Path, findings: Iterable[NetworkFinding]) -> None:
    """Replace the findings on a recording. Raises OSError."""
    lines = [json_line(dataclasses.asdict(each)) for each in findings]
    write_atomically(folder / NETWORK_FINDINGS, b"".join(lines))


def read_network_findings(folder: Path, records: Iterable[FrameRecord]) -> dict[str, list[LabelIssue]]:
    """Return the issues about the labels that frames have now, by frame; unreadable lines count for nothing."""
    try:
        lines = (folder / NETWORK_FINDINGS).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    shown = {(record.frame, record.hero_pixels, record.people_pixels) for record in records}
    issues = defaultdict[str, list[LabelIssue]](list)
    for line in lines:
        try:
            finding = _ADAPTER.validate_json(line)
        except ValidationError:
            continue
        if (finding.frame, finding.hero_pixels, finding.people_pixels) in shown:
            issues[finding.frame].append(finding.issue)
    return issues


_ADAPTER = TypeAdapter(NetworkFinding)
