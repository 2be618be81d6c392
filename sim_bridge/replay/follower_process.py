"""Start a follower for a replay, with the settings of the recording."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from dataset.recordings.layout import section_of
from sim_bridge.child_process import ChildProcess
from sim_bridge.replay.client import ReplayError

FOLLOWER = "app.main"
START_SECONDS = 180.0  # to load its model
STOP_SECONDS = 10.0


@contextlib.contextmanager
def started_follower(weights: str, settings: Mapping[str, object]) -> Iterator[tuple[str, int]]:
    """Run a follower with these settings on a free port during the block; yield (host, port). Raises ReplayError."""
    changes = [part for name, value in settings.items() for part in ("--set", f"{name}={json.dumps(value)}")]
    arguments = [weights, "--host", "127.0.0.1", "--port", "0", *changes]
    found: Future[tuple[str, int]] = Future()
    last_line = ""

    def on_line(line: str) -> None:
        nonlocal last_line
        last_line = line
        if not found.done() and (waiting := re.search(r"ws://([\w.]+):(\d+)", line)):
            found.set_result((waiting[1], int(waiting[2])))

    def on_end(status: int) -> None:
        if not found.done():
            reason = f"the follower ended before it listened, with status {status}: {last_line}"
            found.set_exception(ReplayError(reason.removesuffix(": ")))

    process = ChildProcess(FOLLOWER, arguments, on_line, on_end)
    try:
        try:
            address = found.result(START_SECONDS)
        except TimeoutError:
            raise ReplayError(f"the follower did not begin to listen within {START_SECONDS:g} s") from None
        yield address
    finally:
        process.stop(STOP_SECONDS)


def recorded_settings(meta: Mapping[str, Any]) -> dict[str, object]:
    """Return the settings, by name, with which a follower decides as the one that recorded."""
    recorded = section_of(meta, "settings")
    settings = {f"agent.{key}": value for key, value in section_of(recorded, "agent").items()}
    bridge = section_of(recorded, "bridge")
    if "frame_size" in bridge:
        settings["bridge.frame_size"] = bridge["frame_size"]
    return settings | {"recording.enabled": False}
