"""`python scripts/bench.py recording`: latency that recording adds to a flight, and how many frames are recorded.

Two bridges with the same network run in processes of their own and get the same frames; one of them records. The frames
found on disk afterwards are compared with those answered. The recorder's processor time per frame is measured, too: it
does not depend on other load on the machine.
"""

import argparse
import operator
import tempfile
import threading
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

from config.paths import path_of
from model.inference.load import load_agent_segmenter
from scripts.benchmarks.harness.bridges import (
    STOP,
    connect,
    make_bridge,
    process,
    receive,
    request,
    serve,
)
from scripts.benchmarks.harness.rounds import get_frames, run_rounds, send_frames, summarise
from scripts.benchmarks.harness.terminal import add_bridge_options, console, print_table

RATES = (5.0, 60.0)  # Hz
ROUNDS = 6


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    add_bridge_options(parser, seconds=15.0)
    parser.add_argument("--out", type=path_of, help="where to record (default: a temporary folder)")


def benchmark(options: argparse.Namespace) -> object:
    """Measure both bridges at all rates and print the results; return them for JSON."""
    frames, seconds = get_frames(options), options.seconds / ROUNDS
    with ExitStack() as stack, console.status("starting two bridges") as status:
        folder = options.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bridges = {
            recording: stack.enter_context(process(start_bridge, options.weights, folder if recording else None))
            for recording in (False, True)
        }
        clients = {recording: stack.enter_context(connect(receive(bridge))) for recording, bridge in bridges.items()}
        status.stop()

        def run_round(hz: float, recording: bool) -> list[float]:
            return send_frames(clients[recording], frames, hz, seconds)

        results = run_rounds(RATES, (False, True), ROUNDS, run_round)
        answered = request(bridges[True], "answered")
        for client in clients.values():
            client.close()
        kept = {"answered": answered, **request(bridges[True], STOP)}
    rows = summarise(results, False, ("added", operator.sub), lambda recording: {"recording": recording})
    print_table(rows, "milliseconds")
    percent = 100 * kept["on_disk"] / max(answered, 1)
    console.print(f"kept {kept['on_disk']} of {answered} frames ({percent:.1f} %), {kept['megabytes']:.1f} MB")
    if kept["dropped"]:
        console.print(f"dropped: {kept['dropped']}")
    if kept["cpu_ms_per_frame"] is not None:
        console.print(f"recording takes {kept['cpu_ms_per_frame']:.2f} ms of processor time per frame")
    return {"results": rows, "kept": kept}


def start_bridge(pipe: Connection, weights: str, folder: Path | None) -> None:
    """Serve until stopped, recording into `folder` unless it is None; then send the statistics of the recording."""
    segmenter = load_agent_segmenter(weights)
    from dataset.recordings.recording import find_recordings
    from sim_bridge.recorder.recorder import Recorder
    from sim_bridge.settings import RecordingSettings

    recordings = folder or Path("unused")
    earlier = {recording.path for recording in find_recordings(recordings)}
    settings = RecordingSettings(enabled=folder is not None, folder=str(recordings), name="bench")
    with Recorder(settings) as recorder:
        server = make_bridge(segmenter, subscribers=[recorder])
        serve(server, pipe, {"answered": lambda: sum(session.counts.answered for session in server.sessions)})
        cpu_seconds = _cpu_seconds("recorder")
        megabytes = recorder.status()["megabytes"]
    kept = sum(len(recording.frames) for recording in find_recordings(recordings) if recording.path not in earlier)
    cpu_ms = None if cpu_seconds is None else 1e3 * cpu_seconds / max(kept, 1)
    dropped = recorder.status()["dropped"]
    pipe.send({"on_disk": kept, "dropped": dropped, "megabytes": megabytes, "cpu_ms_per_frame": cpu_ms})


def _cpu_seconds(name: str) -> float | None:
    """Return the processor time of the thread `name`, seconds; None if the system does not provide it."""
    (thread,) = (thread for thread in threading.enumerate() if thread.name == name)
    if not hasattr(time, "pthread_getcpuclockid") or thread.ident is None:
        return None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
