"""Find labels that are wrong, by the frames themselves, so that a training and an evaluation can leave them out.

    python -m model.audit train.zip more_runs.zip --out audit
    python -m model.train --data train.zip --data more_runs.zip --without audit/audit.csv ...
    python -m model.evaluate model_weights.h5 validation.zip --without audit/audit.csv

Found are people who are labelled but hidden by leaves; people in the picture who are too far for QuadSim's mask
cameras, and so are not labelled; masks of another frame; swapped classes; and pictures that occur twice, also mirrored
or compressed again. No network is asked. Look at the sheets in the folder: in audit.csv, `leave_out` is yes or no, and
can be changed. Nothing in the data is changed.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.markup import escape
from rich.progress import track
from rich.table import Table

from config.commands import command_parser, run_command
from config.numbers import whole_number
from config.paths import path_of
from dataset.archives import DatasetError
from dataset.audit.audit import Examined, Frame, audit, examine
from dataset.audit.findings import AUDIT_FILE, KINDS, Finding, write_findings
from dataset.audit.sheets import sheet
from dataset.masks.classes_file import read_classes_file
from dataset.pairs import Pair, check_classes, find_pairs, recorded_by
from dataset.previews.drawing import write_image
from dataset.problems import Problem, summarise_problems
from dataset.schema import DEFAULT_CLASSES
from model.console import console, print_plain
from model.data.prefetch import prefetch

AHEAD = 16  # frames


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 2 for unusable input, 130 after Ctrl-C."""
    parser = command_parser("model.audit", __doc__)
    text = "folders or zips with images/ and masks/; copies are found across all of them, the first one counts"
    parser.add_argument("data", nargs="+", type=path_of, metavar="DATA", help=text)
    text = f"folder for {AUDIT_FILE} and the sheets (default: %(default)s)"
    parser.add_argument("--out", type=path_of, default=Path("audit"), metavar="DIR", help=text)
    parser.add_argument(
        "--examples", type=whole_number(1), default=48, metavar="N", help="on each sheet (default: %(default)s)"
    )
    text = "the classes and colours of data without a classes.toml of their own"
    parser.add_argument("--classes", type=path_of, metavar="TOML", help=text)
    options = parser.parse_args(arguments)
    return run_command("audit", lambda: audit_data(options))


def audit_data(options: argparse.Namespace) -> None:
    """Audit the data, print what was found, and write the file and the sheets."""
    options.out.mkdir(parents=True, exist_ok=True)  # first: an audit takes minutes
    frames, problems = _find_frames(options)
    with ThreadPoolExecutor(2) as pool:  # decoding releases the interpreter's lock
        examined = prefetch(pool, examine, frames, AHEAD)
        shown = track(examined, "auditing", len(frames), console=console, transient=True)
        pairs = dict[str, Pair]()  # by `frame_id`
        findings, unusable = audit(frames, _noted(frames, shown, pairs))
    problems += unusable
    _keep_earlier(options.out / AUDIT_FILE)
    write_findings(options.out / AUDIT_FILE, findings)
    _draw_sheets(findings, pairs, options.out, options.examples)
    console.print(_table(findings, Counter(frame.source for frame in frames)))
    if problems:
        print_plain(f"not audited: {summarise_problems(problems)}", "yellow")
    count = sum(finding.leave_out == "yes" for finding in findings)
    print_plain(f"{options.out / AUDIT_FILE}: {len(findings)} findings, {count} to leave out with --without")


def _keep_earlier(file: Path) -> None:
    """Rename the file of an earlier audit: what somebody changed in it must not be lost."""
    if file.exists():
        when = time.strftime("%Y%m%d-%H%M%S", time.localtime(file.stat().st_mtime))
        kept = file.with_name(f"{file.stem}_{when}{file.suffix}")
        file.rename(kept)
        print_plain(f"the earlier {file.name} is now {kept}", "yellow")


def _find_frames(options: argparse.Namespace) -> tuple[list[Frame], list[Problem]]:
    """Return the frames of all data, with whose they are. Raises DatasetError if they have classes of their own."""
    colours = read_classes_file(options.classes) if options.classes else None
    frames, problems = list[Frame](), list[Problem]()
    for source in options.data:
        pairs, found = find_pairs(source, colours)
        problems += found
        check_classes(pairs, DEFAULT_CLASSES, "QuadSim's recordings, which an audit is for")
        whose = recorded_by(pairs, source) if pairs else []
        frames += [Frame(pair, _name(source, person)) for pair, person in zip(pairs, whose, strict=True)]
    if not frames:
        raise DatasetError(f"no labelled frame in {', '.join(map(str, options.data))}")
    return frames, problems


def _noted(
    frames: Sequence[Frame], examined: Iterable[Examined | Problem], pairs: dict[str, Pair]
) -> Iterator[Examined | Problem]:
    """Yield what is examined, and note which frames these are."""
    for frame, each in zip(frames, examined, strict=True):
        if isinstance(each, Examined):
            pairs[each.frame] = frame.pair
        yield each


def _name(source: Path, person: str) -> str:
    return person if person == source.stem else f"{source.stem}/{person}"


def _draw_sheets(findings: Sequence[Finding], pairs: Mapping[str, Pair], folder: Path, count: int) -> None:
    """Write the first findings of each kind; remove a sheet of an earlier audit that there is nothing for."""
    for kind in KINDS:
        path = folder / f"{kind.replace(' ', '_').replace(chr(39), '')}.png"
        chosen = [finding for finding in findings if finding.kind == kind][:count]
        if not chosen:
            path.unlink(missing_ok=True)
            continue
        write_image(path, sheet(chosen, pairs))


def _table(findings: Sequence[Finding], frames: Counter[str]) -> Table:
    """Return how many defects of each kind each person's frames have, and how many frames there are."""
    counts = Counter((finding.source, finding.kind) for finding in findings)
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("recorded by", no_wrap=True)
    for name in ("frames", *KINDS):
        table.add_column(name, justify="right")
    for source, count in sorted(frames.items()):
        table.add_row(escape(source), f"{count}", *(f"{counts[source, kind] or '-'}" for kind in KINDS))
    if len(frames) > 1:
        totals = [f"{sum(finding.kind == kind for finding in findings)}" for kind in KINDS]
        table.add_row("all", f"{frames.total()}", *totals, style="bold")
    return table


if __name__ == "__main__":
    sys.exit(main())
