"""How much time a frame stands for, so that decisions take as long at 5, 10 or 30 frames per second."""

FRAME_INTERVAL = 0.2  # seconds between QuadSim's frames
MAX_SECONDS = 0.5  # a frame after a longer pause is still a single view


def frame_seconds(time: float, previous: float | None) -> float:
    """Return the seconds that a frame of `time` stands for: those since the `previous` one, at most MAX_SECONDS.

    FRAME_INTERVAL where the clock says nothing: for the first frame, and where it stands still or runs back.
    """
    if previous is None or not time > previous:
        return FRAME_INTERVAL
    return min(time - previous, MAX_SECONDS)


def reached(duration: float, limit: float, seconds: float) -> bool:
    """Return whether a duration in frames of some `seconds` has reached a limit, rounded to the nearest frame."""
    return duration >= limit - seconds / 2
