"""`python scripts/bench.py recording`: what recording costs a flight, and how much of the flight it keeps.

Two bridges with the same network, each in a process of its own: one records, the other does not. A client that talks
as QuadSim does sends the same frames to one after the other, in turns, so that whatever else the machine does disturbs
both alike. A frame's latency counts from before its first byte is sent until its acknowledgement, which comes after its
commands. Frames kept are those that are on the disk afterwards, of those that were answered. The recorder's own work,
in processor time a frame, is what other work on the machine does not change.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from scripts.benchmarks.harness import client, draw_frames, hear, process, read_frames, turn

RATES = (5, 60)  # frames a second
ROUNDS = 6
console = Console()


@dataclass(frozen=True)
class Figures:
    """The latencies at one rate, in milliseconds, without and with recording."""

    hz: int
    frames: int  # measured, of each
    p50: float
    p50_recording: float
    p99: float
    p99_recording: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python scripts/bench.py recording",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="pictures to send (default: the stand-in's view)")
    parser.add_argument("--seconds", type=float, default=15.0, help="for each rate and bridge (default %(default)s)")
    parser.add_argument("--folder", type=Path, help="where to record (default: a temporary folder, removed afterwards)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures for other programs")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        parser.error(f"expected a positive number of --seconds, got {options.seconds:g}")
    try:
        with console.status("drawing frames"):
            frames = read_frames(options.frames) if options.frames else draw_frames()
        with tempfile.TemporaryDirectory() as temporary:
            figures, kept = measure(frames, options, options.folder or Path(temporary))
    except (ValueError, RuntimeError, OSError) as error:  # BenchmarkError, RendererError, files
        print(f"bench recording: {error}", file=sys.stderr)
        return 2
    show(figures, kept)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        content = {"figures": [asdict(each) for each in figures], "kept": kept}
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    return 0


def measure(frames: Sequence[dict], options: argparse.Namespace, folder: Path) -> tuple[list[Figures], dict]:
    """The figures at all rates, and what the recording bridge says at the end."""
    latencies: dict[tuple[int, bool], list[float]] = {(hz, records): [] for hz in RATES for records in (False, True)}
    with ExitStack() as stack:
        with console.status("starting two bridges"):
            bridges = [stack.enter_context(process(serve, options.weights, into)) for into in (None, folder)]
            clients = [stack.enter_context(client(hear(bridge))) for bridge in bridges]
        turns = [(hz, records) for hz in RATES for _ in range(ROUNDS) for records in (False, True)]
        with Progress(console=console, transient=True) as progress:
            for hz, records in progress.track(turns, description="measuring"):
                latencies[hz, records] += turn(clients[records], frames, 1 / hz, options.seconds / ROUNDS)
        recording = bridges[True]
        recording.send("count")
        answered = hear(recording)
        for connection in clients:
            connection.close()
        recording.send("stop")
        kept = {"answered": answered, **hear(recording)}
    figures = []
    for hz in RATES:
        without, recording = (np.percentile(latencies[hz, records], [50, 99]).tolist() for records in (False, True))
        count = min(len(latencies[hz, records]) for records in (False, True))
        figures.append(Figures(hz, count, without[0], recording[0], without[1], recording[1]))
    return figures, kept


def show(figures: Sequence[Figures], kept: dict) -> None:
    """The table, and what is on the disk."""
    drawn = Table()
    for name in ("frames/s", "frames", "p50 ms", "recording", "added", "p99 ms", "recording", "added"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for each in figures:
        p50, p99 = (each.p50, each.p50_recording), (each.p99, each.p99_recording)
        cells = [cell for a, b in (p50, p99) for cell in (f"{a:.2f}", f"{b:.2f}", f"{b - a:+.2f}")]
        drawn.add_row(str(each.hz), str(each.frames), *cells)
    console.print(drawn)
    share = 100 * kept["on_disk"] / max(kept["answered"], 1)
    text = f"kept {kept['on_disk']} of {kept['answered']} frames ({share:.1f} %), {kept['megabytes']:.1f} MB"
    console.print(text + (f"; dropped: {kept['dropped']}" if kept["dropped"] else ""), highlight=False)
    if kept["processor_ms_a_frame"] is not None:
        console.print(f"writing takes {kept['processor_ms_a_frame']:.2f} ms of processor time a frame", highlight=False)


def serve(weights: str, folder: Path | None, pipe: Connection) -> None:
    """A bridge, in a process of its own: sends its port, serves until told to stop, sends what it has recorded."""
    from model.inference.quiet_tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    from dataset.recordings.recording import find_recordings
    from follower.agent import FollowAgent
    from model.inference.segmenter import Segmenter
    from sim_bridge.recorder.recorder import Recorder
    from sim_bridge.recorder.settings import RecordingSettings
    from sim_bridge.server import BridgeServer
    from sim_bridge.settings import BridgeSettings

    try:
        segmenter = Segmenter(weights)
    except (ValueError, RuntimeError) as error:
        pipe.send(str(error))
        return
    place = folder or Path("unused")
    others = {run.path for run in find_recordings(place)}
    settings = RecordingSettings(enabled=folder is not None, folder=str(place), name="bench")
    with Recorder(settings) as recorder:
        server = BridgeServer(segmenter, FollowAgent, BridgeSettings(port=0), [recorder])
        server.listen()
        pipe.send(server.port)

        def stop() -> None:
            pipe.recv()
            pipe.send(sum(session.counts.answered for session in server.sessions))
            pipe.recv()
            server.stop()

        threading.Thread(target=stop, daemon=True).start()
        server.serve()
        processor_seconds = _processor_seconds("recorder")
        megabytes = recorder.status()["megabytes"]
    kept = sum(len(run.frames) for run in find_recordings(place) if run.path not in others)
    dropped = recorder.status()["dropped"]
    milliseconds = None if processor_seconds is None else 1e3 * processor_seconds / max(kept, 1)
    pipe.send({"on_disk": kept, "dropped": dropped, "megabytes": megabytes, "processor_ms_a_frame": milliseconds})


def _processor_seconds(name: str) -> float | None:
    """What a thread has used; None where the system does not tell."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return None
    (thread,) = (thread for thread in threading.enumerate() if thread.name == name)
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


if __name__ == "__main__":
    sys.exit(main())
