"""Replay a recording to the bridge as if QuadSim were flying it again; with --check, compare the decisions.

python -m sim_bridge.replay recordings/NAME                        to the running follower
python -m sim_bridge.replay recordings/NAME --check --weights W    to a follower started for the replay
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import base64
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from config.commands import run_command
from config.numbers import real_number, whole_number
from config.paths import allow_any_name, path_of
from dataset.recordings.frame_record import FrameRecord, as_stored
from dataset.recordings.layout import RecordingError, section_of
from dataset.recordings.recording import Recording, open_recording
from sim_bridge.replay.check import check, comparable_frames
from sim_bridge.replay.client import Answer, ReplayClient
from sim_bridge.replay.follower_process import recorded_settings, started_follower

HOST, PORT = "127.0.0.1", 4567
METRES = 0.1
LONGEST_PAUSE = 5.0  # seconds, to which longer gaps in the recording are shortened
ANSWER_SECONDS = 30.0
SHOWN_DIFFERENCES = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 if --check finds differences, 2 after an error, or 130 after Ctrl-C."""
    allow_any_name()
    options = _parse(arguments)
    return run_command("replay", lambda: _replay(options, Console(highlight=False, soft_wrap=True)))


def _replay(options: argparse.Namespace, console: Console) -> int:
    """Replay a recording, print the answers; return the exit status. Raises RecordingError, ReplayError, OSError."""
    recording = open_recording(options.recording)
    recording = replace(recording, frames=tuple(as_stored(recording.path, recording.frames)))
    _check_replayable(recording, options)
    with contextlib.ExitStack() as stack:
        address = (options.host or HOST, options.port or PORT)
        if options.weights:
            with console.status("starting a follower"):
                follower = started_follower(options.weights, recorded_settings(recording.meta))
                address = stack.enter_context(follower)
        client = stack.enter_context(ReplayClient(*address))
        title = escape(f"replaying {recording.path.name}")
        frames = track(recording.frames, title, console=console, transient=True)
        answers = play(recording, client, frames, real=options.pace == "real")
    _print_answers(console, answers)
    return _print_check(console, recording, answers, options) if options.check else 0


def play(
    recording: Recording, client: ReplayClient, frames: Iterable[FrameRecord], *, real: bool = False
) -> list[Answer]:
    """Send frames of a recording at the recorded pace (`real`), or each as soon as the previous one is answered.

    Returns the answer to each. Raises RecordingError, ReplayError, OSError.
    """
    numbers = []
    simulator = section_of(recording.meta, "simulator")
    abilities = {key: True for key in ("search", "motion") if simulator.get(key)}
    if abilities:  # of the simulator that was recorded; the agent's commands depend on them, and on the extent
        client.announce(section_of(simulator, "world") | abilities | {"extent": simulator.get("extent")})
    received: float | None = None
    due = time.monotonic()
    for record in frames:
        payload = payload_of(recording, record)
        if real and record.received is not None:
            if received is not None:
                pause = min(max(record.received - received, 0.0), LONGEST_PAUSE)
                due = max(due + pause, time.monotonic() - pause)  # no burst follows a stall
                client.receive(due - time.monotonic())
            received = record.received
        numbers.append(client.send(payload))
        if not real:
            client.wait(numbers[-1], ANSWER_SECONDS)
    return [client.wait(number, ANSWER_SECONDS) for number in numbers]


def payload_of(recording: Recording, record: FrameRecord) -> dict[str, str]:
    """Return the `sensor_frame` of a recorded frame, with the original numbers and bytes. Raises RecordingError."""
    if record.pose is None or record.gimbal_pose is None or record.timestamp is None:
        raise RecordingError(f"{recording.path} cannot be replayed: it was imported, without poses")
    if not record.depth:
        why = "it has no depth images: it was imported, or copied without depth/; replay the original"
        raise RecordingError(f"{recording.path} cannot be replayed: {why}")
    image, mask, depth = (recording.path / name for name in record.files())
    payload = {
        "timestamp": repr(record.timestamp),
        "pose": _joined(record.pose),
        "gimbal_pose": _joined(record.gimbal_pose),
        "rgb_image": _base64(image),
        "depth_image": _base64(depth),
    }
    if record.label_source == "simulator":
        payload["ground_truth_mask"] = _base64(mask)
        payload["ground_truth_target"] = _joined(record.ground_truth_target or ())
    return payload


def _joined(numbers: Iterable[float]) -> str:
    return ",".join(map(repr, numbers))


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _check_replayable(recording: Recording, options: argparse.Namespace) -> None:
    if not recording.frames:
        raise RecordingError(f"{recording.path} has no frames")
    payload_of(recording, recording.frames[0])
    if options.check and not options.all and not comparable_frames(recording.frames):
        begin = "with an operator override" if recording.frames[0].operator_override else "in mid-flight"
        raise RecordingError(f"{recording.path} begins {begin}: its decisions can only be compared with --all")


def _print_answers(console: Console, answers: Sequence[Answer]) -> None:
    counts = Counter(answer.outcome for answer in answers)
    times = sorted(1e3 * answer.seconds for answer in answers if answer.outcome == "answered")
    text = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    if times:
        text += f"; latency p50 {times[len(times) // 2]:.1f} ms, p99 {times[int(0.99 * (len(times) - 1))]:.1f} ms"
    console.print(f"{len(answers)} frames: {text}", markup=False)


def _print_check(console: Console, recording: Recording, answers: Sequence[Answer], options: argparse.Namespace) -> int:
    metres = METRES if options.metres is None else options.metres
    compared, differences = check(recording.frames, answers, metres, everything=options.all)
    for difference in differences[:SHOWN_DIFFERENCES]:
        console.print(f"  {difference}", markup=False)
    if len(differences) > SHOWN_DIFFERENCES:
        console.print(f"  and {len(differences) - SHOWN_DIFFERENCES} more")
    rest = ""
    if left := len(recording.frames) - compared:
        cause = "an operator override" if recording.frames[compared].operator_override else "a gap in the recording"
        rest = f"; {left} from {cause} on are not compared (use --all)"
    result = f"[green]all {compared} decisions are as recorded[/]"
    if differences:
        result = f"[red]{len(differences)} of {compared} decisions differ[/]"
    console.print(result + rest)
    return 1 if differences else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sim_bridge.replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("recording", type=path_of, metavar="RECORDING", help="a folder, or the name of one in recordings/")
    add("--host", help=f"host of the bridge (default {HOST})")
    add("--port", type=whole_number(1, 65535), help=f"port of the bridge (default {PORT})")
    add("--pace", choices=("fast", "real"), default="fast", help="as answered, or as recorded (default %(default)s)")
    add("--weights", help="start a follower with this model and the recorded settings")
    add("--check", action="store_true", help="compare with the recorded decisions; exit status 1 if any differs")
    add("--metres", type=real_number(0), help=f"tolerance for coordinates (default {METRES})")
    add("--all", action="store_true", help="also compare what follows a gap or an operator override")
    options = parser.parse_args(arguments)
    if options.weights is not None and (options.host is not None or options.port is not None):
        parser.error("--weights starts a follower at an address of its own: leave out --host and --port")
    if not options.check and (options.all or options.metres is not None):
        parser.error("--metres and --all say how decisions are compared: add --check")
    return options


if __name__ == "__main__":
    sys.exit(main())
