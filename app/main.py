"""Follow the hero: wait for QuadSim, look at its frames, send it where the hero is.

    python follower.py model_weights.h5

This file only parses, wires and runs; the rooms do the work.
"""

import argparse
import dataclasses
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

from app.console import StatusDisplay, saying
from app.keys import Keys
from app.settings import ModelSettings, Settings, load_settings
from config.reader import parse_assignment
from dashboard.dashboard import About, serve_dashboard
from dashboard.live.feed import Feed
from dashboard.recordings.routes import Recordings
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.models import WorkspacePaths
from dashboard.workshop.routes import Workshop
from dataset.recordings.recovery import recover_all
from follower.agent import FollowAgent
from model.inference.choices import DEVICES, RUNTIMES
from model.weights.find import WEIGHTS_FOLDER, find_weights
from sim_bridge.recorder.provenance import describe_origin
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.server import BridgeServer
from sim_bridge.settings import ASYNC_MODES
from sim_bridge.simulator_process import SimulatorProcess
from sim_bridge.transports import bind

if TYPE_CHECKING:
    from model.inference.segmenter import Segmenter

DEFAULT_CONFIG = Path(__file__).resolve().parents[1] / "follower.toml"

EPILOG = """\
examples:
  python follower.py                              the model that ships with this project
  python follower.py model_weights.h5             a file as given, or in model/weights/
  python follower.py ~/old/model_weights          a model of 2017, its config_model_weights beside it
  python follower.py --threshold 0.7              be surer before following
  python follower.py --sim                        fly in the stand-in simulator that comes with this project
  python follower.py --sim -- --seed 3 --window   what follows -- is for it; python -m simulator --help says what
  python follower.py model_weights.h5 --record    keep what is seen and decided in recordings/; the key r does it too
  python follower.py --pred_viz                   and watch in the browser what it sees
  python follower.py --set agent.depth_far=500    any setting of follower.toml

Start this first; when it says "waiting for QuadSim", start the simulator and choose Follow Me.
Every setting, with what it means: follower.toml. Ctrl-C ends.
"""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="follower.py",
        description="Follow the hero in QuadSim: frames in, follow commands out.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", nargs="?", metavar="WEIGHTS", help="the model: a file, or a name in model/weights/")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings to use instead of follower.toml")
    parser.add_argument("--host", help="address to listen on (127.0.0.1; 0.0.0.0 lets other machines in)")
    parser.add_argument("--port", type=int, help="port to listen on (4567, where QuadSim looks)")
    parser.add_argument("--threshold", type=float, help="hero probability above which a pixel is the hero's (0.5)")
    parser.add_argument("--async-mode", choices=ASYNC_MODES, help="how connections are served (threading)")
    parser.add_argument("--runtime", choices=RUNTIMES, help="what runs the network (auto: the fastest that is here)")
    parser.add_argument("--device", choices=DEVICES, help="where it runs (auto: a GPU where there is one)")
    parser.add_argument("--record", nargs="?", const="", metavar="NAME", help="record from the start (or press r)")
    parser.add_argument("--sim", action="store_true", help="start the stand-in simulator, too, and end with it")
    parser.add_argument("--pred_viz", "--pred-viz", action="store_true", help="open the page to watch in the browser")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="any other setting")
    arguments = sys.argv[1:] if arguments is None else arguments
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:end])
    options.sim_options = arguments[end + 1 :]
    if options.sim_options and not options.sim:
        parser.error(f"what follows -- is for the stand-in simulator, which --sim starts: {options.sim_options[0]}")
    if options.record and options.weights is None and Path(options.record).suffix in (".h5", ".keras"):
        parser.error(f"--record takes the name of a recording; put the model before it: {options.record} --record")
    return options


def read_settings(arguments: argparse.Namespace) -> Settings:
    """The file's settings with the command line's on top. Raises ConfigError."""
    config = arguments.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    flags = {
        "model.weights": arguments.weights,
        "model.runtime": arguments.runtime,
        "model.device": arguments.device,
        "bridge.host": arguments.host,
        "bridge.port": arguments.port,
        "bridge.async_mode": arguments.async_mode,
        "agent.threshold": arguments.threshold,
        "recording.enabled": None if arguments.record is None else True,
        "recording.name": arguments.record or None,
    }
    given = {name: value for name, value in flags.items() if value is not None}
    return load_settings(config, dict(map(parse_assignment, arguments.set)) | given)


def fly(
    settings: Settings,
    console: Console,
    say: Callable[[str], object],
    sim_options: list[str] | None = None,
    open_browser: bool = False,
) -> int:
    """Load the model, then serve until Ctrl-C; with `sim_options`, to a simulator of our own, until it ends.

    Returns the exit status. `say` takes a line for people.

    The address is taken first and opened last: a port in use shows at once, and no simulator is kept waiting
    by a model that is still being loaded. Whatever keeps it from flying is a ValueError or a RuntimeError with a
    sentence for people, or an OSError that names the file.
    """
    bridge = settings.bridge
    for recovered in recover_all(Path(settings.recording.folder)):
        say(f"recording {recovered}")
    with bind(bridge.host, bridge.port) as listener:
        with console.status("loading the model"):
            segmenter = load_segmenter(settings.model)
        path = find_weights(settings.model.weights)
        origin = describe_origin(segmenter.describe(), path, dataclasses.asdict(settings))
        recorder = Recorder(settings.recording, origin, say)
        display, feed = StatusDisplay(console), Feed(segmenter.describe())
        subscribers = [display, recorder, feed]
        server = BridgeServer(segmenter, lambda: FollowAgent(settings.agent), bridge, subscribers, listener)
        about = About(settings.agent.threshold, settings.agent.vertical_fov)
        log = partial(feed.add_event, "control")
        model_switcher = ModelSwitcher(path, partial(load_another, settings), server.swap_model, log)
        workshop = Workshop(workspace_paths(settings), settings.workshop.threads, log, model_switcher=model_switcher)
        pages = [Recordings(Path(settings.recording.folder)).pages(), workshop.pages()]
        page = serve_dashboard(server, feed, about, settings.dashboard, recorder, pages)
        with recorder, display, Keys({"r": recorder.toggle}), workshop, page as dashboard:
            say(segmenter.describe())
            server.listen()
            say(f"watch it on {dashboard.address}")
            say(f"waiting for QuadSim on ws://{bridge.host}:{server.port}")
            if open_browser:
                dashboard.open_in_browser()
            if sim_options is None:
                server.serve()
                return 0
            with SimulatorProcess(bridge.host, server.port, sim_options, console, on_end=server.stop) as simulator:
                server.serve()
            return simulator.exit_status


def load_segmenter(settings: ModelSettings) -> "Segmenter":
    """The network, compiled and warmed up. Imported late: TensorFlow takes seconds, and --help should not."""
    from model.inference.quiet_tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    from model.inference.segmenter import Segmenter

    return Segmenter(settings.weights, runtime=settings.runtime, device=settings.device)


def load_another(settings: Settings, name: str, path: Path) -> tuple["Segmenter", dict]:
    """The network of another file, with everything else as it is set, and what recordings say of it."""
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, weights=str(shown)))
    segmenter = load_segmenter(settings.model)
    segmenter.name = name  # all trainings have a best.h5
    return segmenter, describe_origin(segmenter.describe(), path, dataclasses.asdict(settings))


def workspace_paths(settings: Settings) -> WorkspacePaths:
    """Where recordings, trainings and models lie; the active model comes first."""
    recordings, runs = Path(settings.recording.folder), Path(settings.workshop.runs)
    models = find_weights(settings.model.weights), WEIGHTS_FOLDER
    return WorkspacePaths(recordings, runs, models, settings.workshop.train_settings)


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit status: 0 after Ctrl-C, 2 when it cannot begin."""
    console = Console()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill ends as Ctrl-C does
    try:
        options = parse_arguments(arguments)
        sim_options = options.sim_options if options.sim else None
        with saying(console) as say:
            status = fly(read_settings(options), console, say, sim_options, options.pred_viz)
    except KeyboardInterrupt:
        status = 0
    except (ValueError, RuntimeError, OSError) as error:  # settings, addresses, weights, runtimes, files
        return fail(str(error))
    console.print("stopped")
    return status


def fail(sentence: str) -> int:
    """Say what is wrong on standard error; 2, the exit status for it."""
    print(f"follower.py: {sentence}", file=sys.stderr)
    return 2


def run() -> NoReturn:
    """Run the command and leave the process at once: TensorFlow takes seconds to tear itself down."""
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
