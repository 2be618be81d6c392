"""One flight from patrol to following, live, and what came of it: a film, a plot, a summary.

    python scripts/demo.py                      the stand-in simulator flies; nothing else is needed
    python scripts/demo.py --frames FOLDER      pictures of your own instead, an unpacked evaluation set for example

It runs `follower.py --sim --record`, as you would, and ends by itself. Ctrl-C ends it sooner.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "recordings"
SECONDS = 50.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Flies, then makes the film; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python scripts/demo.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    parser.add_argument(
        "--seconds", type=float, help=f"of flight, simulated (default: {SECONDS:g}, or until all pictures were shown)"
    )
    parser.add_argument("--seed", type=int, default=103, help="of the city and its people (default %(default)s)")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="a folder of pictures to stream instead")
    parser.add_argument("--port", type=int, default=0, help="where the follower listens (default: any free port)")
    options = parser.parse_args(arguments)
    console = Console()
    name = time.strftime("demo-%Y%m%d-%H%M%S")
    if options.frames:
        simulator = ["--frames", str(options.frames.resolve())]
    else:
        simulator = ["--seed", str(options.seed), "--ground-truth"]
    if seconds := options.seconds or (None if options.frames else SECONDS):
        simulator += ["--duration", str(seconds)]
    weights = Path(options.weights).resolve() if Path(options.weights).is_file() else options.weights
    command = [sys.executable, "follower.py", str(weights), "--port", str(options.port), "--record", name]
    command += ["--set", f"recording.folder={RECORDINGS}", "--set", "recording.filter=[]", "--sim"]
    process = subprocess.Popen([*command, "--", *simulator], cwd=ROOT)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        status = process.wait()
    runs = sorted(RECORDINGS.glob(f"{name}*"))
    if not runs:
        console.print("nothing was recorded, so there is nothing to show; what is above says why", style="red")
        return status or 1
    report(runs[0], console)
    return status


def report(folder: Path, console: Console) -> None:
    """The pictures of a recorded flight, and where they are."""
    from dataset import __main__ as recording
    from dataset.previews.contact_sheet import previews_folder
    from dataset.previews.film import write_gif
    from dataset.previews.plots import plot_distance
    from dataset.recordings.layout import RecordingError
    from dataset.recordings.recording import open_recording

    run = open_recording(folder)
    console.rule("what came of it")
    recording.main(["show", str(folder)])
    with console.status("making the film"):
        film = previews_folder(run) / "film.gif"
        try:
            write_gif(run, film)
            plot_distance(run, previews_folder(run) / "distance.png")
        except RecordingError as error:
            console.print(error)
            return
    console.print(f"film: {film}\nplot: {film.with_name('distance.png')}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
