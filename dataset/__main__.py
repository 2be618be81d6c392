"""python -m dataset: inspect, edit, review, import and export recordings. Never deletes anything."""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import sys
from collections.abc import Callable, Sequence, Set

from rich.console import Console

from config.commands import run_command
from config.numbers import whole_number
from config.paths import allow_any_name, path_of
from dataset.commands.edit import copy_recording, merge_recordings, split_recording, trim_recording
from dataset.commands.exchange import FORMATS, export
from dataset.commands.import_frames import import_frames
from dataset.commands.show import list_recordings, show, video
from dataset.commands.suspicious import list_suspicious
from dataset.recordings.layout import RECORDINGS
from dataset.recordings.recording import Recording, open_recording, select_frames, write_hidden
from dataset.recordings.recovery import recover
from dataset.review.relabelling import changed_by_people, restore_labels

Action = Callable[[argparse.Namespace, Console], None]

EPILOG = """\
examples:
  python -m dataset list
  python -m dataset show 2026-11-21_10-00-00
  python -m dataset hide recordings/first 120-180 200
  python -m dataset restore recordings/first
  python -m dataset trim first 120-900 best
  python -m dataset suspicious first second
  python -m model.relabel first --weights better.h5           the pseudo-labelled frames, by another model
  python -m dataset split first 500 1200        into first-1, first-2, first-3
  python -m dataset merge first second both
  python -m dataset export best best_coco
  python -m dataset import best_coco/annotations.json recordings/corrected
  python -m dataset import IMG recordings/quadsim1
  python -m dataset import raw_sim_data recordings/quadsim    as preprocess_ims.py did in 2017

RECORDING is a folder, or the name of one in recordings/. FRAMES are numbers as in file names: 12, 10-20, 10-, all.
Hidden frames stay on disk; training skips them.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 2 after printing an error to standard error, or 130 after Ctrl-C."""
    allow_any_name()
    options, console = _parse(arguments), Console(highlight=False, soft_wrap=True)
    return run_command("dataset", lambda: options.act(options, console), "nothing unfinished was kept")


def hide(options: argparse.Namespace, console: Console) -> None:
    """Exclude frames from training."""
    recording = open_recording(options.recording)
    selected = select_frames(recording.names, options.frames)
    _write_hidden(recording, recording.hidden | selected, "hid", console)


def restore(options: argparse.Namespace, console: Console) -> None:
    """Include hidden frames in training again; all of them if none are named."""
    recording = open_recording(options.recording)
    selected = select_frames(recording.names, options.frames) if options.frames else recording.hidden
    _write_hidden(recording, recording.hidden - selected, "restored", console)


def _write_hidden(recording: Recording, hidden: Set[str], verb: str, console: Console) -> None:
    changed, count = len(hidden ^ recording.hidden), len(hidden & set(recording.names))
    write_hidden(recording.path, hidden)
    console.print(f"{verb} {changed} frames; {count} of {len(recording.frames)} are hidden now")


def restore_labels_of(options: argparse.Namespace, console: Console) -> None:
    """Give frames the labels back that they had before they were relabelled; a second time undoes it."""
    recording = open_recording(options.recording)
    frames = select_frames(recording.names, options.frames)
    kept = set() if options.also_people else frames & changed_by_people(recording)
    count = restore_labels(recording, sorted(frames - kept))
    console.print(f"restored the labels of {count} frames")
    if kept:
        console.print(f"kept those of {len(kept)} frames that people have changed; --also-people restores them, too")


def recover_recording(options: argparse.Namespace, console: Console) -> None:
    """Recover an interrupted recording, as the next start of follower.py would."""
    recording = open_recording(options.recording)
    console.print(
        str(recover(recording.path) or f"{recording.path.name} needs no recovery: it is {recording.state}"),
        markup=False,
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dataset",
        description="Recordings of flights: inspect them, and choose the frames that training uses.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, act: Action, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        description = act.__doc__ or ""
        summary = description.partition("\n")[0]
        added = commands.add_parser(name, help=summary, description=description, parents=parents)
        added.set_defaults(act=act)
        return added

    recording = argparse.ArgumentParser(add_help=False)
    recording.add_argument("recording", type=path_of, metavar="RECORDING")
    frames_help = "on the contact sheet (default: %(default)s)"
    output_help = "default: previews/video.mp4 in the recording"
    listed = command("list", list_recordings)
    listed.add_argument("folder", nargs="?", type=path_of, default=RECORDINGS, help="default: %(default)s")
    command("show", show, recording).add_argument("--frames", type=whole_number(1), default=30, help=frames_help)
    command("video", video, recording).add_argument("--output", type=path_of, metavar="FILE.mp4", help=output_help)
    command("hide", hide, recording).add_argument("frames", nargs="+", metavar="FRAMES")
    command("restore", restore, recording).add_argument("frames", nargs="*", metavar="FRAMES")
    labels = command("restore-labels", restore_labels_of, recording)
    labels.add_argument("frames", nargs="+", metavar="FRAMES")
    text = "undo also what people have changed last, on the page: corrections, propagated labels, restored ones"
    labels.add_argument("--also-people", action="store_true", help=text)
    suspicious = command("suspicious", list_suspicious)
    suspicious.add_argument("recordings", nargs="+", type=path_of, metavar="RECORDING")
    limit_help = "how many to list (default: %(default)s)"
    suspicious.add_argument("--limit", type=whole_number(1), default=60, metavar="N", help=limit_help)
    command("recover", recover_recording, recording)
    new_help = "recording to make: a path, or a name in recordings/"

    def takes_new(added: argparse.ArgumentParser) -> None:
        added.add_argument("new", type=path_of, metavar="NEW", help=new_help)

    takes_new(command("copy", copy_recording, recording))
    trimmed = command("trim", trim_recording, recording)
    trimmed.add_argument("frames", nargs="+", metavar="FRAMES")
    takes_new(trimmed)
    command("split", split_recording, recording).add_argument(
        "frames", nargs="+", metavar="FRAME", help="first of a part"
    )
    merged = command("merge", merge_recordings)
    merged.add_argument("recordings", nargs="+", type=path_of, metavar="RECORDING")
    takes_new(merged)
    imported = command("import", import_frames)
    imported.add_argument(
        "images", type=path_of, metavar="IMG", help="folder with cam1_00000.png and so on, or a tree of them"
    )
    imported.add_argument(
        "recording", type=path_of, metavar="RECORDING", help="to make; for a tree, the folder of those to make"
    )
    text = "of annotations: the folder of their images (default: images/ beside the file, or its folder)"
    imported.add_argument("--images", dest="image_folder", type=path_of, metavar="DIR", help=text)
    text = "of Label Studio's PNG export: its JSON or JSON-MIN export, which names the image of each task"
    imported.add_argument("--tasks", type=path_of, metavar="FILE", help=text)
    text = "of annotations: which class a category, or a colour of masks, is: pedestrian=people, #ff00ff=hero"
    imported.add_argument("--class", dest="classes", action="append", default=[], metavar="CATEGORY=CLASS", help=text)
    exported = command("export", export)
    exported.add_argument("recording", type=path_of, metavar="RECORDING", help="or a dataset: a folder or zip")
    exported.add_argument("out", type=path_of, metavar="DIR", help="folder to make")
    exported.add_argument("--format", choices=FORMATS, default="coco", help="default: %(default)s")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
