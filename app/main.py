"""Follow the target: wait for QuadSim, process its frames, send the drone to the target.

    python follower.py model_weights.h5

This module only connects the parts and runs them.
"""

from config.interrupts import interrupted  # before all else

# isort: split
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from app.connection_hint import ConnectionHint
from app.console import StatusDisplay, unblocked_output
from app.keys import Keys
from app.model_loading import LoadedModel, load_another, load_model
from app.options import Options, parse_options
from app.settings import Settings
from config.console import FlightConsole
from config.hosts import host_in_url
from config.paths import allow_any_name
from dashboard.dashboard import serve_dashboard
from dashboard.live.feed import Feed
from dashboard.recordings.routes import Recordings
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.routes import Workshop
from dashboard.workshop.workspace import WorkspacePaths
from dataset.recordings.recovery import recover_all
from follower.agent import FollowAgent
from model.weights.find import WEIGHTS_FOLDER
from sim_bridge.address import bind
from sim_bridge.child_process import ChildProcess
from sim_bridge.recorder.destination import check_destination
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.server import BridgeServer

SIMULATOR_STOP_SECONDS = 5.0  # time for the simulator to print its summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0 after Ctrl-C, 2 when it cannot start."""
    allow_any_name()
    console = FlightConsole()
    try:
        options = parse_options(arguments)
        with unblocked_output(console) as report:
            status = fly(options, console, report)
    except KeyboardInterrupt:
        status = 0
    except (ValueError, RuntimeError, OSError) as error:  # settings, addresses, weights, runtimes, files
        if not interrupted():
            print(f"follower.py: {error}", file=sys.stderr)
            return 2
        status = 0
    with contextlib.suppress(OSError):  # the terminal is closed, the disk is full
        console.print("stopped")
    return status


def fly(options: Options, console: Console, report: Callable[[str], object]) -> int:
    """Load the model, then serve until Ctrl-C, or until the built-in simulator ends; return the exit status.

    The address is bound first and listened on last: a port in use is reported at once, and no simulator waits for a
    model that is still being loaded. Raises ValueError, RuntimeError or OSError with a message for the user.
    """
    settings = options.settings
    if settings.recording.enabled:
        check_destination(settings.recording)  # before anything slow
    for recovered in recover_all(Path(settings.recording.folder)):
        report(f"recording {recovered}")
    with bind(settings.bridge.host, settings.bridge.port) as listener:
        with console.status("loading the model"):
            model = load_model(settings)
        recorder = Recorder(settings.recording, model.origin, report)
        display, feed = StatusDisplay(console), Feed(model.description)
        hint = ConnectionHint(report, settings.bridge.host, listener.getsockname()[1])
        subscribers = [display, recorder, feed, hint]
        server = BridgeServer(
            model.segmenter, lambda: FollowAgent(settings.agent), settings.bridge, subscribers, listener
        )
        workshop = make_workshop(settings, model, server, feed)
        pages = [Recordings(Path(settings.recording.folder)).pages(), workshop.pages()]
        page = serve_dashboard(server, feed, recorder, settings.agent, settings.dashboard, pages)
        with recorder, display, Keys({"r": recorder.toggle}), workshop, page as dashboard, hint:
            report(model.description)
            if model.place:
                report(model.place)
            server.listen()
            report(f"watch it on {dashboard.address}")
            report(f"waiting for QuadSim on ws://{host_in_url(settings.bridge.host)}:{server.port}")
            if options.open_browser:
                dashboard.open_in_browser()
            return serve(server, options.simulator_options, console)


def serve(server: BridgeServer, simulator_options: list[str] | None, console: Console) -> int:
    """Serve any simulator, or the built-in one (with options) until it ends; return the exit status."""
    if simulator_options is None:
        server.serve()
        return 0

    def show(line: str) -> None:
        console.print(Text(f"simulator: {line}", style="dim"), soft_wrap=True)

    arguments = ["--host", server.local_host, "--port", str(server.port), *simulator_options]
    simulator = ChildProcess("simulator", arguments, show, on_end=lambda status: server.stop())
    try:
        server.serve()
    finally:
        simulator.stop(SIMULATOR_STOP_SECONDS)
    status = simulator.exit_status or 0
    if status == -signal.SIGINT:  # interrupted before its flight began
        return 0
    return status if status >= 0 else 128 - status  # as shells do


def make_workshop(settings: Settings, model: LoadedModel, server: BridgeServer, feed: Feed) -> Workshop:
    """Return the page for trainings and models, which can switch the server's model."""
    log = partial(feed.add_event, "control")
    switcher = ModelSwitcher(model.path, partial(load_another, settings), server.swap_model, log)
    paths = WorkspacePaths(
        Path(settings.recording.folder),
        Path(settings.workshop.runs),
        (model.path, WEIGHTS_FOLDER),  # the active model first
        settings.workshop.train_settings,
    )
    return Workshop(paths, switcher, settings.workshop.threads, log)


def run() -> NoReturn:
    """Run the command and end the process at once: TensorFlow takes seconds to shut down."""
    status = main()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":  # as a child process
    run()
