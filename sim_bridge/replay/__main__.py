"""Play a recording to the bridge as if QuadSim were flying it once more; with --check, see that it decides the same.

python -m sim_bridge.replay recordings/RUN                        to the follower that runs now
python -m sim_bridge.replay recordings/RUN --check --weights W    to one that is started for it
"""

import argparse
import base64
import contextlib
import json
import queue
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording, open_recording
from sim_bridge.replay.check import Difference, compare, unbroken
from sim_bridge.replay.client import Answer, ReplayClient, ReplayError

FOLLOWER = Path(__file__).resolve().parents[2] / "follower.py"
LONGEST_PAUSE = 5.0  # seconds; a gap in the recording need not be waited for
START_SECONDS = 180.0  # for a follower to load its model
ANSWER_SECONDS = 30.0
METRES = 0.1
SHOWN = 10  # differences


def payload_of(run: Recording, record: FrameRecord) -> dict[str, str]:
    """The `sensor_frame` of a recorded frame, to the same numbers and bytes as it came. Raises RecordingError."""
    if record.pose is None or record.gimbal_pose is None or record.timestamp is None or not record.depth:
        raise RecordingError(f"{run.path} cannot be replayed: it was imported, without poses and depth")
    payload = {
        "timestamp": repr(float(record.timestamp)),
        "pose": ",".join(map(repr, record.pose)),
        "gimbal_pose": ",".join(map(repr, record.gimbal_pose)),
        "rgb_image": _base64(run.image_path(record)),
        "depth_image": _base64(run.depth_path(record)),
    }
    if record.label_source == "simulator":
        payload["ground_truth_mask"] = _base64(run.mask_path(record))
        payload["ground_truth_target"] = ",".join(map(repr, record.ground_truth_target or ()))
    return payload


def play(
    run: Recording, client: ReplayClient, *, real: bool, frames: Iterable[FrameRecord] | None = None
) -> list[Answer]:
    """Send the frames of a run; returns what became of each.

    Args:
        real: at the pace at which they were received; otherwise each as soon as the one before is answered.
        frames: `run.frames`, for instance wrapped in a progress bar.

    Raises RecordingError, ReplayError, OSError.
    """
    numbers, pause = [], 0.0
    before: FrameRecord | None = None
    due = time.monotonic()
    for record in run.frames if frames is None else frames:
        payload = payload_of(run, record)
        if real and before is not None and before.received is not None:
            pause = min(max(record.received - before.received, 0.0), LONGEST_PAUSE)
            due = max(due + pause, time.monotonic() - pause)
            time.sleep(max(due - time.monotonic(), 0.0))
        numbers.append(client.send(payload))
        if not real:
            client.wait(numbers[-1], ANSWER_SECONDS)
        before = record
    return [client.wait(number, ANSWER_SECONDS) for number in numbers]


def check(
    run: Recording, answers: Sequence[Answer], metres: float, *, everything: bool = False
) -> tuple[int, list[Difference]]:
    """How many frames could be compared, and those that were decided otherwise."""
    comparable = len(run.frames) if everything else unbroken(run.frames)
    pairs = list(zip(run.frames, answers, strict=True))[:comparable]
    return comparable, [found for record, answer in pairs if (found := compare(record, answer, metres))]


def settings_of(meta: Mapping) -> dict[str, object]:
    """What a follower has to be set to (section.key: value) so that it decides as the one that recorded."""
    recorded = meta.get("settings", {})
    settings = {f"agent.{key}": value for key, value in recorded.get("agent", {}).items()}
    if "frame_size" in recorded.get("bridge", {}):
        settings["bridge.frame_size"] = recorded["bridge"]["frame_size"]
    return settings | {"recording.enabled": False}


@contextlib.contextmanager
def started_follower(weights: str, settings: Mapping[str, object]) -> Iterator[tuple[str, int]]:
    """Run follower.py with these settings (section.key: value) on a free port; gives (host, port).

    Raises ReplayError.
    """
    changes = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    command = [sys.executable, str(FOLLOWER), weights, "--host", "127.0.0.1", "--port", "0"]
    command += [part for change in changes for part in ("--set", change)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
    addresses: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()

    def read() -> None:  # to the end: a pipe that nobody empties stops who writes to it
        with process.stdout:
            for line in process.stdout:
                if waiting := re.search(r"ws://([\w.]+):(\d+)", line):
                    addresses.put((waiting[1], int(waiting[2])))
        addresses.put(None)

    threading.Thread(target=read, name="follower's words", daemon=True).start()
    try:
        try:
            address = addresses.get(timeout=START_SECONDS)
        except queue.Empty:
            raise ReplayError(f"the follower did not begin to listen within {START_SECONDS:g} s") from None
        if address is None:
            raise ReplayError(f"the follower ended before it listened, with status {process.wait()}")
        yield address
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; exit status 0, 1 when --check finds differences, 2 when it cannot be done."""
    options = _parse(arguments)
    console = Console()
    try:
        run = open_recording(options.run)
        if not run.frames:
            raise RecordingError(f"{run.path} has no frames")
        payload_of(run, run.frames[0])
        if options.check and not options.all and not unbroken(run.frames):
            begin = "under an operator override" if run.frames[0].operator_override else "in mid-flight"
            raise RecordingError(f"{run.path} begins {begin}: decisions cannot be compared, except with --all")
        with contextlib.ExitStack() as stack:
            address = (options.host, options.port)
            if options.weights:
                with console.status("starting a follower"):
                    address = stack.enter_context(started_follower(options.weights, settings_of(run.meta)))
            client = stack.enter_context(ReplayClient(*address))
            frames = track(run.frames, f"replaying {run.path.name}", console=console, transient=True)
            answers = play(run, client, real=options.pace == "real", frames=frames)
    except (RecordingError, ReplayError, OSError) as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    _say(console, answers)
    return _say_check(console, run, answers, options) if options.check else 0


def _say(console: Console, answers: Sequence[Answer]) -> None:
    counts = Counter(answer.outcome for answer in answers)
    times = sorted(1e3 * answer.seconds for answer in answers if answer.outcome == "answered")
    text = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    if times:
        text += f"; latency p50 {times[len(times) // 2]:.1f} ms, p99 {times[int(0.99 * (len(times) - 1))]:.1f} ms"
    console.print(f"{len(answers)} frames: {text}", highlight=False)


def _say_check(console: Console, run: Recording, answers: Sequence[Answer], options: argparse.Namespace) -> int:
    compared, differences = check(run, answers, options.metres, everything=options.all)
    for difference in differences[:SHOWN]:
        console.print(f"  {difference}", highlight=False, markup=False, soft_wrap=True)
    if len(differences) > SHOWN:
        console.print(f"  and {len(differences) - SHOWN} more")
    left_out = len(run.frames) - compared
    overridden = left_out and run.frames[compared].operator_override
    where = "from an operator override on" if overridden else "after a gap in the recording"
    gap = f"; {left_out} {where} are not compared (--all does it)" if left_out else ""
    if differences:
        console.print(
            f"[red]{len(differences)} of {compared} decisions differ[/]{gap}", highlight=False, soft_wrap=True
        )
        return 1
    console.print(f"[green]all {compared} decisions are as recorded[/]{gap}", highlight=False, soft_wrap=True)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sim_bridge.replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a recording's folder, or its name in recordings/")
    parser.add_argument("--host", default="127.0.0.1", help="of the bridge (127.0.0.1)")
    parser.add_argument("--port", type=int, default=4567, help="of the bridge (4567)")
    parser.add_argument("--pace", choices=("fast", "real"), default="fast", help="as answered, or as it was received")
    parser.add_argument("--weights", help="start a follower with this model and the recorded settings")
    parser.add_argument("--check", action="store_true", help="compare with the recorded decisions; exit status 1")
    parser.add_argument("--metres", type=float, default=METRES, help=f"that coordinates may be off ({METRES:g})")
    parser.add_argument("--all", action="store_true", help="compare what comes after a gap or a pause, too")
    return parser.parse_args(arguments)


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


if __name__ == "__main__":
    sys.exit(main())
