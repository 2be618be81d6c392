"""Statistics of a recording, for the command and the page. Reads frame records only, no images."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dataset.recordings.frame_record import FrameRecord, flight_seconds
from dataset.recordings.recording import Recording
from dataset.schema import FAR_PIXELS, SIZE_BANDS, VISIBLE_PIXELS, at_reference_size, is_visible

WRONG_TARGET_METRES = 5.0  # between estimate and ground truth, at least ...
WRONG_TARGET_FRACTION = 0.25  # ... and as a fraction of the distance, since ranges are less exact farther away
SIZE_EDGES = np.geomspace(VISIBLE_PIXELS + 1, 128**2, 25)  # of the histogram, pixels at the reference size
BINS = 24  # of the histograms of range and latency


@dataclass(frozen=True)
class Distribution:
    """Values of one quantity, and their histogram; the outermost bins hold what lies beyond the edges, too."""

    count: int
    median: float | None  # None without values, as `least` and `most`
    least: float | None
    most: float | None
    edges: tuple[float, ...]
    counts: tuple[int, ...]  # of each bin, one fewer than edges


@dataclass(frozen=True)
class Statistics:
    """Statistics of frames of a recording, hidden ones included. `dataclasses.asdict` makes JSON of it."""

    frames: int
    hidden: int
    not_recorded: int  # decisions between the first and the last frame that were not recorded
    unreadable: int  # lines that are no frame records
    seconds: float  # from the first frame to the last, by the bridge's clock; 0 if unknown
    labels: Mapping[str, int]  # frames by label source
    visible: int  # frames that show the target
    far: int  # of them, those with a far target
    size_bands: Mapping[str, int]  # frames that show the target, by `schema.SIZE_BANDS`
    found: int  # times
    lost: int
    wrong_target: int | None  # frames in which the wrong person was followed; None without ground truth
    size: Distribution  # of a visible target, pixels at the reference size
    range: Distribution  # metres, where one was measured
    latency: Distribution  # milliseconds from frame to commands


def statistics_of(recording: Recording, names: Collection[str] | None = None) -> Statistics:
    """Compute the statistics of a recording, or only of frames that `names` has, such as `select_frames` returns."""
    frames = [frame for frame in recording.frames if names is None or frame.frame in names]
    sizes = target_pixels(recording, [frame for frame in frames if is_visible(frame.hero_pixels)])
    times = [frame.received for frame in frames if frame.received is not None]
    numbers = [frame.number for frame in frames if frame.number is not None]
    wrong = [is_wrong_target(frame) for frame in frames if frame.ground_truth_target is not None]
    changes = Counter(frame.state for frame in frames if frame.changed)
    ranges = np.array([frame.range.metres for frame in frames if frame.range], float)
    latencies = np.array([frame.timings["total"] for frame in frames if "total" in frame.timings], float)
    return Statistics(
        frames=len(frames),
        hidden=len(recording.hidden & {frame.frame for frame in frames}),
        not_recorded=numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else 0,
        unreadable=recording.unreadable,
        seconds=sum(flight_seconds(*step) for step in pairwise(times)),
        labels=dict(Counter(frame.label_source for frame in frames)),
        visible=len(sizes),
        far=int((sizes < FAR_PIXELS).sum()),
        size_bands={band.name: int(band.contains(sizes).sum()) for band in SIZE_BANDS},
        found=changes["found"],
        lost=changes["lost"],
        wrong_target=sum(wrong) if wrong else None,
        size=_distribution(sizes, SIZE_EDGES),
        range=_distribution(ranges, _edges_from_zero(ranges)),
        latency=_distribution(latencies, _edges_from_zero(latencies)),
    )


def is_wrong_target(frame: FrameRecord) -> bool:
    """Return whether the agent follows the wrong person; False where the ground truth is unknown."""
    estimate, truth, camera = frame.track_point, frame.ground_truth_target, frame.gimbal_pose or frame.pose
    if frame.state != "found" or estimate is None or truth is None:
        return False
    distance = np.hypot(camera[0] - truth[0], camera[1] - truth[1]) if camera else 0.0
    error = np.hypot(estimate[0] - truth[0], estimate[1] - truth[1])
    return bool(error > max(WRONG_TARGET_METRES, WRONG_TARGET_FRACTION * distance))


def target_pixels(recording: Recording, frames: Sequence[FrameRecord]) -> np.ndarray:
    """Return the target's size in each frame, pixels at the reference size."""
    return np.array([at_reference_size(frame.hero_pixels, recording.frame_size) for frame in frames], float)


def _distribution(values: np.ndarray, edges: np.ndarray) -> Distribution:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    median, least, most = (float(f(values)) if len(values) else None for f in (np.median, np.min, np.max))
    return Distribution(len(values), median, least, most, tuple(edges.tolist()), tuple(counts.tolist()))


def _edges_from_zero(values: np.ndarray) -> np.ndarray:
    """Return bins from 0 to a round number above all but the largest few percent, which the last bin takes in."""
    top = max(float(np.percentile(values, 97)), 1.0) if len(values) else 1.0
    power = 10.0 ** np.floor(np.log10(top))
    steps = (1, 2, 4, 6, 8, 10)
    return np.linspace(0, next(step * power for step in steps if step * power >= 0.999 * top), BINS + 1)
