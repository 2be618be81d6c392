"""Fly from patrol to following, live, and show the result: a film, a plot, a summary.

    python scripts/demo.py                      flies in the built-in simulator
    python scripts/demo.py --frames FOLDER      streams images instead, for example an unpacked evaluation set

Runs `follower.py --sim --record`, as you would, and ends by itself. Ctrl-C ends it sooner.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from config.numbers import real_number, whole_number
from config.paths import path_of
from scripts.environment import ROOT, run
from simulator.difficulty.levels import LEVELS, describe_levels
from simulator.link.commands import MAX_SEED

RECORDINGS = ROOT / "recordings"
SECONDS, SEED = 50.0, 103


def main(arguments: Sequence[str] | None = None) -> int:
    """Fly, show the result, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python scripts/demo.py",
        description=__doc__,
        epilog=describe_levels(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    parser.add_argument(
        "--seconds",
        type=real_number(1),
        help=f"of flight, simulated (default: {SECONDS:g}, or until all images were sent)",
    )
    parser.add_argument("--seed", type=whole_number(0, MAX_SEED), help=f"of the city and its people (default {SEED})")
    parser.add_argument("--difficulty", choices=LEVELS, metavar="LEVEL", help="see below (default plain)")
    parser.add_argument("--frames", type=path_of, metavar="DIR", help="a folder of images to stream instead")
    parser.add_argument(
        "--port", type=whole_number(0, 65535), default=0, help="of the follower (default: any free port)"
    )
    options = parser.parse_args(arguments)
    if options.frames and (options.seed is not None or options.difficulty is not None):
        parser.error("--seed and --difficulty are of the built-in simulator's city; --frames streams images instead")
    console = Console()
    name = time.strftime("demo-%Y%m%d-%H%M%S")
    status = run(sys.executable, "follower.py", *_follower_arguments(options, name), cwd=ROOT)
    recordings = sorted(RECORDINGS.glob(f"{name}*"))
    if not recordings:
        console.print("nothing was recorded, so there is nothing to show; the output above has the reason", style="red")
        return status or 1
    show(recordings[0], console)
    return status


def _follower_arguments(options: argparse.Namespace, name: str) -> list[str]:
    weights = Path(options.weights).resolve() if Path(options.weights).is_file() else options.weights
    if options.frames:
        simulator = ["--frames", str(options.frames.resolve())]
    else:
        seed = SEED if options.seed is None else options.seed
        simulator = ["--seed", str(seed), "--difficulty", options.difficulty or "plain", "--ground-truth"]
    if seconds := options.seconds or (None if options.frames else SECONDS):
        simulator += ["--duration", str(seconds)]
    recording = ["--record", name, "--set", f"recording.folder={RECORDINGS}", "--set", "recording.filter=[]"]
    return [str(weights), "--port", str(options.port), *recording, "--sim", "--", *simulator]


def show(folder: Path, console: Console) -> None:
    """Print the summary of a recorded flight, and make its film and plot."""
    from dataset import __main__ as recordings
    from dataset.previews.film import write_gif
    from dataset.previews.plots import plot_distance
    from dataset.recordings.layout import RecordingError
    from dataset.recordings.recording import open_recording

    console.rule("the flight")
    if recordings.main(["show", str(folder)]):
        return
    recording = open_recording(folder)
    film, plot = (recording.make_previews_folder() / file for file in ("film.gif", "distance.png"))
    try:
        with console.status("making the film"):
            write_gif(recording, film)
            plot_distance(recording, plot)
    except RecordingError as error:
        console.print(error)
        return
    console.print(f"film: {film}\nplot: {plot}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
