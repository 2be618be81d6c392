"""Plots of a recorded flight: statistics, and the distance to the target over time."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from config.paths import printable
from dataset.previews.drawing import Colour
from dataset.previews.film import ESTIMATE, GROUND_TRUTH
from dataset.recordings.frame_record import Point, RecordedPose
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording
from dataset.recordings.statistics import statistics_of, target_pixels
from dataset.schema import REFERENCE_SIZE, SIZE_BANDS

TARGET_SIZE = f"target, pixels at {REFERENCE_SIZE}x{REFERENCE_SIZE}"


def plot_statistics(recording: Recording, path: Path) -> None:
    """Write histograms of target size and range, and both over time, as a PNG."""
    frames, statistics = recording.frames, statistics_of(recording)
    figure = Figure(figsize=(10, 6), layout="constrained")
    title = f"{printable(recording.path.name)}: {len(frames)} frames, target visible in {statistics.visible}"
    figure.suptitle(title, parse_math=False)
    (sizes, ranges), (sizes_over_time, ranges_over_time) = figure.subplots(2, 2)
    sizes.stairs(statistics.size.counts, statistics.size.edges, fill=True, color="tab:orange")
    sizes.set(xscale="log", xlabel=TARGET_SIZE, ylabel="frames")
    for band in SIZE_BANDS[1:]:
        sizes.axvline(band.low, color="0.6", linewidth=0.8, linestyle=":")
    ranges.stairs(statistics.range.counts, statistics.range.edges, fill=True, color="tab:blue")
    ranges.set(xlabel="range, m", ylabel="frames")
    pixels = target_pixels(recording, frames)
    sizes_over_time.plot(np.where(pixels > 0, pixels, np.nan), ".", markersize=3, color="tab:orange")
    sizes_over_time.set(yscale="log", xlabel="frame", ylabel=TARGET_SIZE)
    metres = [frame.range.metres if frame.range else np.nan for frame in frames]
    ranges_over_time.plot(metres, ".", markersize=3, color="tab:blue")
    ranges_over_time.set(xlabel="frame", ylabel="range, m")
    unfollowed = [frame.state in ("lost", "searching") for frame in frames]
    for axes in (sizes_over_time, ranges_over_time):
        shade = {"transform": axes.get_xaxis_transform(), "color": "0.92", "step": "mid"}
        axes.fill_between(range(len(frames)), 0, 1, where=unfollowed, **shade)
        axes.set_xlim(-0.5, max(len(frames) - 0.5, 0.5))
    figure.savefig(path, dpi=110)


def plot_distance(recording: Recording, path: Path) -> None:
    """Write a PNG of the horizontal distance from drone to target over time. Raises RecordingError without poses."""
    frames = recording.frames
    flown = [(frame.timestamp, frame.pose, frame) for frame in frames if frame.pose and frame.timestamp is not None]
    if not flown:
        raise RecordingError(f"{recording.path} has no poses: it was imported, not flown")
    start = flown[0][0]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()

    def curve(name: str, colour: Colour, points: list[tuple[float, RecordedPose, Point | None]]) -> None:
        known = [(time - start, np.hypot(pose[0] - at[0], pose[1] - at[1])) for time, pose, at in points if at]
        if known:
            axes.plot(*zip(*known, strict=True), color=np.array(colour) / 255, label=name, linewidth=1.4)

    curve("ground truth", GROUND_TRUTH, [(time, pose, frame.ground_truth_target) for time, pose, frame in flown])
    curve("estimate", ESTIMATE, [(time, pose, frame.track_point) for time, pose, frame in flown])
    for time, _, frame in flown:
        if frame.changed and frame.state in ("found", "lost"):
            axes.axvline(time - start, color="0.6", linewidth=0.8)
            axes.annotate(frame.state, (time - start, 0.96), xycoords=("data", "axes fraction"), fontsize=8)
    axes.set(xlabel="seconds", ylabel="metres", title="Distance from the drone to the target", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
