"""python -m dataset list, show and video: what is in recordings."""

import argparse
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from dataset.previews.drawing import write_image
from dataset.previews.film import film_frames, frames_per_second, write_video
from dataset.previews.overlay import contact_sheet
from dataset.recordings.layout import section_of
from dataset.recordings.recording import Recording, find_recordings, open_recording
from dataset.recordings.statistics import statistics_of
from dataset.schema import FAR_PIXELS, GROUND_TRUTH


def list_recordings(options: argparse.Namespace, console: Console) -> None:
    """List the recordings in a folder."""
    recordings = find_recordings(options.folder)
    if not recordings:
        console.print(f"no recordings in {options.folder}; python follower.py --record makes one", markup=False)
        return
    table = Table("name", "started", "state", box=None, header_style="bold", padding=(0, 1, 0, 0))
    for column in ("frames", "hidden", "min", "target", f"<{FAR_PIXELS} px", "pseudo"):
        table.add_column(column, justify="right")
    for recording in recordings:
        statistics = statistics_of(recording)
        started = _local_time(recording.meta.get("started", "?"))
        minutes = f"{statistics.seconds / 60:.1f}"
        counts = statistics.frames, statistics.hidden, minutes, statistics.visible, statistics.far
        pseudo = sum(count for source, count in statistics.labels.items() if source not in GROUND_TRUTH)
        table.add_row(escape(recording.path.name), escape(started), recording.state, *map(str, (*counts, pseudo)))
    console.print(table)


def show(options: argparse.Namespace, console: Console) -> None:
    """Print the statistics of a recording; draw a contact sheet and plots."""
    from dataset.previews.plots import plot_statistics  # matplotlib takes a moment

    recording = open_recording(options.recording)
    console.print(_statistics_table(recording))
    if not recording.frames:
        return
    folder = recording.make_previews_folder()
    write_image(folder / "contact_sheet.png", contact_sheet(recording, options.frames))
    plot_statistics(recording, folder / "statistics.png")
    for name in ("contact_sheet.png", "statistics.png"):
        console.print(f"wrote {folder / name}", markup=False)


def video(options: argparse.Namespace, console: Console) -> None:
    """Make a video of a recording: frames with overlays, beside a map of the flight."""
    recording = open_recording(options.recording)
    path = options.output or recording.make_previews_folder() / "video.mp4"
    images = track(film_frames(recording), "drawing", len(recording.frames), console=console, transient=True)
    write_video(path, images, frames_per_second(recording.frames))
    console.print(f"wrote {path}: {len(recording.frames)} frames", markup=False)


def _local_time(iso: object) -> str:
    """Return a time of `meta.json`, which is UTC, by the clock of this machine; what is no time as it is."""
    try:
        return f"{datetime.fromisoformat(str(iso)).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):  # the last two: a year that the system does not know
        return str(iso)[:16]


def _statistics_table(recording: Recording) -> Table:
    statistics, meta = statistics_of(recording), recording.meta
    reason = f" ({meta['end_reason']})" if "end_reason" in meta else ""
    decisions = statistics.not_recorded + statistics.frames
    bands = ", ".join(f"{band}: {count}" for band, count in statistics.size_bands.items())
    rows = {
        "state": recording.state + reason,
        "from, to": f"{meta.get('started', '?')} - {meta.get('ended') or '?'}",
        "model": section_of(meta, "model").get("description", "?"),
        "frames": f"{statistics.frames} in {statistics.seconds:.1f} s; {statistics.hidden} hidden",
        "not recorded": f"{statistics.not_recorded} of {decisions} decisions",
        "dropped": ", ".join(f"{count}: {cause}" for cause, count in section_of(meta, "dropped").items()) or "none",
        "labels": ", ".join(f"{count} by the {source}" for source, count in statistics.labels.items()) or "none",
        "target visible": f"{statistics.visible} frames; by pixels at 256x256: {bands}",
        "found, lost": f"{statistics.found}, {statistics.lost} times",
    }
    if statistics.wrong_target is not None:
        rows["wrong target"] = f"the wrong person followed in {statistics.wrong_target} frames"
    if world := section_of(section_of(meta, "simulator"), "world"):
        rows["world"] = ", ".join(f"{key} {value}" for key, value in world.items())
    if (ranges := statistics.range).count:
        rows["range"] = f"{ranges.median:.1f} m median, {ranges.least:.1f} to {ranges.most:.1f}"
    if statistics.latency.count:
        rows["latency"] = f"{statistics.latency.median:.1f} ms median"
    if count := recording.unreadable:
        fate = "moved to quarantine/ by python -m dataset recover" if recording.state == "interrupted" else "skipped"
        rows["unreadable"] = f"{count} line{'s' * (count != 1)}, {fate}"
    table = Table(show_header=False, box=None, title=escape(str(recording.path)), title_justify="left")
    for name, value in rows.items():
        table.add_row(name, escape(str(value)))
    return table
