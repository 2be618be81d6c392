"""python -m dataset: list, look at, hide and restore recordings. Never deletes anything."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from dataset.previews.contact_sheet import contact_sheet, previews_folder, write_picture
from dataset.previews.film import film_frames, frames_per_second, write_video
from dataset.recordings.layout import RECORDINGS, RecordingError
from dataset.recordings.recording import (
    Recording,
    find_recordings,
    open_recording,
    read_hidden,
    select_frames,
    write_hidden,
)
from dataset.recordings.recovery import recover
from dataset.recordings.statistics import plot, statistics_of
from dataset.schema import FAR_PIXELS

EPILOG = """\
examples:
  python -m dataset list
  python -m dataset show 2026-11-21_10-00-00
  python -m dataset hide recordings/first 120-180 200
  python -m dataset restore recordings/first

RECORDING is a folder, or the name of one in recordings/. FRAMES are numbers as in file names: 12, 10-20, 10-, all.
Hidden frames stay on the disk; training skips them.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exit status 0, or 2 with a sentence on standard error."""
    options = _parse(arguments)
    try:
        options.act(options, Console())
    except (RecordingError, OSError) as error:
        print(f"recording: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def list_recordings(options: argparse.Namespace, console: Console) -> None:
    """One line for each recording."""
    recordings = find_recordings(options.folder)
    if not recordings:
        console.print(f"no recordings in {options.folder}; python follower.py --record makes one", highlight=False)
        return
    table = Table("name", "started", "state", box=None, header_style="bold", padding=(0, 1, 0, 0))
    for column in ("frames", "hidden", "min", "hero", f"<{FAR_PIXELS} px", "by model"):
        table.add_column(column, justify="right")
    for recording in recordings:
        numbers = statistics_of(recording)
        table.add_row(
            recording.path.name,
            str(recording.meta.get("started", "?"))[:16].replace("T", " "),
            recording.state,
            str(numbers.frames),
            str(numbers.hidden),
            f"{numbers.seconds / 60:.1f}",
            str(numbers.visible),
            str(numbers.far),
            str(numbers.labels.get("model", 0)),
        )
    console.print(table)


def show(options: argparse.Namespace, console: Console) -> None:
    """Statistics of a recording, and pictures of it."""
    recording = open_recording(options.recording)
    _tell(recording, console)
    if not recording.frames:
        return
    folder = previews_folder(recording)
    write_picture(folder / "contact_sheet.png", contact_sheet(recording, options.frames))
    plot(recording, folder / "statistics.png")
    for name in ("contact_sheet.png", "statistics.png"):
        console.print(f"wrote {folder / name}", highlight=False, soft_wrap=True)


def video(options: argparse.Namespace, console: Console) -> None:
    """A video of a run with what was seen and decided, beside a map of the flight."""
    recording = open_recording(options.recording)
    path = options.output or previews_folder(recording) / "video.mp4"
    pictures = track(film_frames(recording), "drawing", len(recording.frames), console=console, transient=True)
    write_video(path, pictures, frames_per_second(recording.frames))
    console.print(f"wrote {path}: {len(recording.frames)} frames", highlight=False, soft_wrap=True)


def hide(options: argparse.Namespace, console: Console) -> None:
    """Have training leave frames out."""
    recording = open_recording(options.recording)
    chosen = select_frames(recording.names, options.frames)
    write_hidden(recording.path, recording.hidden | chosen)
    _say_hidden(recording, f"hid {len(chosen - recording.hidden)} frames", console)


def restore(options: argparse.Namespace, console: Console) -> None:
    """Give frames back to training; all of them where none are named."""
    recording = open_recording(options.recording)
    chosen = select_frames(recording.names, options.frames) if options.frames else set(recording.hidden)
    write_hidden(recording.path, recording.hidden - chosen)
    _say_hidden(recording, f"restored {len(chosen & recording.hidden)} frames", console)


def recover_run(options: argparse.Namespace, console: Console) -> None:
    """Put a run in order that was cut off; the next start of follower.py would do it."""
    recording = open_recording(options.recording)
    console.print(
        str(recover(recording.path) or f"{recording.path.name} needs nothing ({recording.state})"), highlight=False
    )


def _tell(recording: Recording, console: Console) -> None:
    numbers, meta = statistics_of(recording), recording.meta
    rows = {
        "state": " ".join(filter(None, [recording.state, f"({meta['end_reason']})" if "end_reason" in meta else ""])),
        "from, to": f"{meta.get('started', '?')} - {meta.get('ended') or '?'}",
        "model": meta.get("model", {}).get("description", "?"),
        "frames": f"{numbers.frames} in {numbers.seconds:.1f} s; {numbers.hidden} hidden",
        "not recorded": f"{numbers.not_recorded} of {numbers.not_recorded + numbers.frames} decisions",
        "dropped": ", ".join(f"{count}: {reason}" for reason, count in meta.get("dropped", {}).items()) or "none",
        "labels": ", ".join(f"{count} by the {source}" for source, count in numbers.labels.items()) or "none",
        "hero visible": f"{numbers.visible} frames; by pixels at 256x256: "
        + ", ".join(f"{size}: {count}" for size, count in numbers.size_bands.items()),
        "found, lost": f"{numbers.found}, {numbers.lost} times",
    }
    if numbers.wrong_target is not None:
        rows["wrong target"] = f"somebody else followed in {numbers.wrong_target} frames"
    if numbers.range.count:
        rows["range"] = f"{numbers.range.median:.1f} m median, {numbers.range.least:.1f} to {numbers.range.most:.1f}"
    if numbers.latency.count:
        rows["latency"] = f"{numbers.latency.median:.1f} ms median"
    if recording.unreadable:
        rows["unreadable"] = f"{recording.unreadable} lines (python -m dataset recover moves them to quarantine/)"
    table = Table(show_header=False, box=None, title=str(recording.path), title_justify="left")
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def _say_hidden(recording: Recording, what: str, console: Console) -> None:
    hidden = len(read_hidden(recording.path) & {record.frame for record in recording.frames})
    console.print(f"{what}; {hidden} of {len(recording.frames)} are hidden from training now", highlight=False)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dataset",
        description="Recordings of flights: what there is, what it looks like, what training takes of it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, act, **options) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=act.__doc__, description=act.__doc__, **options)
        added.set_defaults(act=act)
        return added

    listed = command("list", list_recordings)
    listed.add_argument("folder", nargs="?", type=Path, default=RECORDINGS, help="where they are (recordings)")
    shown = command("show", show)
    shown.add_argument("--frames", type=_at_least_one, default=30, help="how many on the contact sheet (30)")
    filmed = command("video", video)
    filmed.add_argument("--output", type=Path, metavar="FILE.mp4", help="where to (look/video.mp4 in the recording)")
    hidden, restored, recovered = command("hide", hide), command("restore", restore), command("recover", recover_run)
    for added in (shown, filmed, hidden, restored, recovered):
        added.add_argument("recording", type=Path, metavar="RECORDING")
    hidden.add_argument("frames", nargs="+", metavar="FRAMES")
    restored.add_argument("frames", nargs="*", metavar="FRAMES")
    return parser.parse_args(arguments)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
