"""Numbers about a recording, and a plot of them. Reads frames.jsonl only, no picture."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset.recordings.recording import Recording
from dataset.schema import SIZE_BANDS, VISIBLE_PIXELS


@dataclass(frozen=True)
class Statistics:
    """Statistics of a recording."""

    frames: int
    hidden: int
    missing: int  # decisions that are not recorded, between the first and the last
    seconds: float  # from the first frame to the last, by our clock; 0 where unknown
    labels: dict[str, int]  # by source
    hero_pixels: np.ndarray  # of each frame in which it is visible, at 256x256
    metres: np.ndarray  # the ranges, where one was measured
    states: tuple[str | None, ...]  # of each frame
    found: int  # times
    lost: int
    latencies: np.ndarray  # milliseconds, frame in to commands out

    @property
    def sizes(self) -> dict[str, int]:
        """Frames with a visible hero by its size in pixels."""
        return {band.name: int(band.contains(self.hero_pixels).sum()) for band in SIZE_BANDS}


def statistics_of(recording: Recording) -> Statistics:
    """Counts the frames of a recording, hidden ones included."""
    frames = recording.frames
    height, width = recording.meta.get("frame_size") or (256, 256)
    pixels = np.array([frame.hero_pixels for frame in frames], float)
    times = [frame.received for frame in frames if frame.received is not None]
    numbers = [frame.number for frame in frames if frame.number is not None]
    changes = Counter(frame.state for frame in frames if frame.changed)
    return Statistics(
        frames=len(frames),
        hidden=len(recording.hidden & {frame.frame for frame in frames}),
        missing=numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else 0,
        seconds=times[-1] - times[0] if times else 0.0,
        labels=dict(Counter(frame.label_source for frame in frames)),
        hero_pixels=pixels[pixels > VISIBLE_PIXELS] * 256 * 256 / (height * width),
        metres=np.array([frame.range["metres"] for frame in frames if frame.range], float),
        states=tuple(frame.state for frame in frames),
        found=changes["found"],
        lost=changes["lost"],
        latencies=np.array([frame.timings["total"] for frame in frames if "total" in frame.timings], float),
    )


def plot(recording: Recording, path: Path) -> None:
    """Write histograms of hero size and range, and the course of both, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    statistics = statistics_of(recording)
    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{recording.path.name}: {statistics.frames} frames, hero visible in {len(statistics.hero_pixels)}")
    (sizes, ranges), (course_of_size, course_of_range) = figure.subplots(2, 2)
    edges = np.geomspace(VISIBLE_PIXELS, max(1e4, statistics.hero_pixels.max(initial=1)), 30)
    sizes.hist(statistics.hero_pixels, edges, color="tab:orange")
    sizes.set(xscale="log", xlabel="hero, pixels at 256x256", ylabel="frames")
    for band in SIZE_BANDS[1:]:
        sizes.axvline(band.low, color="0.6", linewidth=0.8, linestyle=":")
    ranges.hist(statistics.metres, 30, color="tab:blue")
    ranges.set(xlabel="range, m", ylabel="frames")
    order = np.arange(statistics.frames)
    pixels = np.array([frame.hero_pixels for frame in recording.frames], float)
    course_of_size.plot(order, np.where(pixels > 0, pixels, np.nan), ".", markersize=3, color="tab:orange")
    course_of_size.set(yscale="log", xlabel="frame", ylabel="hero, pixels")
    metres = np.array([frame.range["metres"] if frame.range else np.nan for frame in recording.frames], float)
    course_of_range.plot(order, metres, ".", markersize=3, color="tab:blue")
    course_of_range.set(xlabel="frame", ylabel="range, m")
    for axes in (course_of_size, course_of_range):
        _shade_lost(axes, statistics.states)
        axes.set_xlim(-0.5, max(statistics.frames - 0.5, 0.5))
    figure.savefig(path, dpi=110)


def _shade_lost(axes, states: tuple[str | None, ...]) -> None:
    """Grey where the target was not being followed."""
    away = np.array([state in ("lost", "searching") for state in states])
    axes.fill_between(
        np.arange(len(away)), 0, 1, where=away, transform=axes.get_xaxis_transform(), color="0.92", step="mid"
    )
