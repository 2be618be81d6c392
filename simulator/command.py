"""The command `python -m simulator`: parse options, fly one drone or several, print a summary."""

import argparse
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv6Address

from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from config.console import FlightConsole, LogPrinter
from config.numbers import real_number, whole_number
from config.outputs import file_to_write
from config.paths import allow_any_name, path_of
from simulator.difficulty.levels import LEVELS, describe_levels
from simulator.episode import Episode
from simulator.flight import WAIT, Flight, FlightPlan
from simulator.flight_log import FlightLog, open_track
from simulator.link.client import Client
from simulator.link.commands import MAX_PEOPLE, MAX_SEED, SPEED_RANGE
from simulator.rendering.markers import draw_markers
from simulator.rendering.renderer import RENDERERS, Renderer, RendererError
from simulator.rules import OWN, QUADSIM, Rules
from simulator.several import fly_several
from simulator.slideshow import Slideshow, SlideshowError
from simulator.types import Observation
from simulator.window import Window
from simulator.world.crowd import LIFETIMES

MAX_HZ = 20.0
MAX_DRONES = 32
SIGNALS = signal.SIGINT, signal.SIGTERM
OF_CITIES = "--seed --people --difficulty --like-quadsim --turnover --respawn --lock-on --ground-truth --renderer"

OnFrame = Callable[[Observation], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fly until the end, Ctrl-C, or the closing of the window; return the exit status."""
    allow_any_name()
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.seed + options.count - 1 > MAX_SEED:
        parser.error(f"--seed: with --count {options.count} expected at most {MAX_SEED - options.count + 1}")
    _refuse_idle_options(parser, options)
    if options.count == 1:
        return run(options)
    if options.window:
        print("no window: it shows one drone, and several fly. Continuing without.", file=sys.stderr)
    return fly_several(options, run)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="The built-in simulator: a city, a crowd, a target and a quad with a camera. Connects to a\n"
        "follower as Udacity's QuadSim does, patrols, and flies to the positions that the follower reports.",
        epilog=describe_levels(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", type=_host, default="127.0.0.1", help="of the follower (default %(default)s)")
    add("--port", type=whole_number(1, 65535), default=4567, help="of the follower (default %(default)s)")
    add("--seed", type=whole_number(0, MAX_SEED), default=0, help="of the city and all random choices (default 0)")
    add("--difficulty", choices=LEVELS, default="plain", metavar="LEVEL", help="see below (default %(default)s)")
    add("--people", type=whole_number(0, MAX_PEOPLE), help="besides the target (default: the difficulty's number)")
    add("--like-quadsim", action="store_true", help="QuadSim's crowd, patrol, lock-on and wall-clock timestamps")
    add("--turnover", choices=LIFETIMES, help="how soon people are replaced (default long; like QuadSim: medium)")
    add("--respawn", action="store_true", help="replace the target at the end of its path, as QuadSim does")
    add(
        "--hz",
        type=real_number(0.1, MAX_HZ),
        default=5.0,
        help="frames per simulated second, or like QuadSim per real second (default %(default)s)",
    )
    add("--speed", type=real_number(*SPEED_RANGE), default=1.0, help="simulated seconds per second (default 1)")
    add("--lockstep", action="store_true", help="wait for the answer to each frame: as fast as the follower answers")
    add("--duration", type=real_number(0, 1e6), metavar="SECONDS", help="simulated (default: until Ctrl-C)")
    add("--count", type=whole_number(1, MAX_DRONES), default=1, help="drones, each in a city of its own (default 1)")
    add("--lock-on", action="store_true", help="follow the true position of a target in front, as QuadSim does")
    add("--ground-truth", action="store_true", help="send the class mask and the target's position with each frame")
    add("--renderer", choices=RENDERERS, default="auto", help="default %(default)s")
    add("--window", action="store_true", help="show the camera's view with the agent's marker; needs a display")
    add(
        "--log",
        type=file_to_write,
        metavar="FILE",
        help="write the tracks of quad and target, one JSON object per line",
    )
    add("--frames", type=path_of, metavar="DIR", help="show the pictures of a folder instead of a city, then end")
    return parser


def _refuse_idle_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Exit with an error if options have been given that would do nothing beside others."""
    changed = [name for name, value in vars(options).items() if value != parser.get_default(name)]
    given = [f"--{name.replace('_', '-')}" for name in changed]
    of_cities = [name for name in given if name in OF_CITIES.split()]
    if options.frames and of_cities:
        parser.error(f"--frames shows pictures instead of a city: leave out {', '.join(of_cities)}")
    if options.lockstep and not options.like_quadsim and "--speed" in given:
        parser.error("--lockstep flies as fast as the follower answers: leave out --speed")


def run(options: argparse.Namespace, name: str = "") -> int:
    """Fly one drone and print its summary; return the exit status."""
    for number in SIGNALS:  # SIGINT, too: shells start background commands with it ignored
        signal.signal(number, _interrupt_once)
    console = FlightConsole(highlight=False)
    handler: logging.Handler = LogPrinter(console)  # each message on a line of its own
    if console.is_terminal:
        handler = RichHandler(console=console, show_path=False, show_level=False, log_time_format="[%H:%M:%S]")
    logging.basicConfig(level=logging.INFO, handlers=[handler], format=f"{name}%(message)s")
    try:
        summary = _fly(options, name, console)
    except KeyboardInterrupt:  # before the flight began
        return 0
    except (SlideshowError, RendererError, OSError) as error:
        console.print(f"{name}{error}", style="red", markup=False, soft_wrap=True)
        return 2
    table = Table("", name or "flight", show_header=bool(name), box=None)
    for row in summary:
        table.add_row(*row)
    with contextlib.suppress(OSError):  # the terminal is closed, the disk is full
        console.print(table)
    return 0


def _interrupt_once(*_: object) -> None:
    """Ignore further signals: Ctrl-C reaches this drone directly and through its parent, and the summary must print."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


def _fly(options: argparse.Namespace, name: str, console: Console) -> list[tuple[str, str]]:
    """Fly to the end, and return the rows of the summary."""
    with contextlib.ExitStack() as stack:
        flight_log = FlightLog(stack.enter_context(open_track(options.log)) if options.log else None)
        window = None
        if options.window:
            try:
                window = Window()
            except RuntimeError as error:
                message = f"no window: {error}. Continuing without; --log FILE keeps the tracks."
                console.print(message, markup=False, soft_wrap=True)
        status = stack.enter_context(console.status("")) if console.is_terminal and not name else None

        def on_frame(observation: Observation) -> None:
            flight_log.add(observation)
            if status is not None:
                status.update(flight_log.status())
            if window is None or observation.rendered is None:
                return
            picture = draw_markers(observation.rendered, observation.gimbal_pose, observation.markers)
            if not window.show(picture):
                raise KeyboardInterrupt

        def while_waiting() -> None:
            if window is not None and not window.update():
                raise KeyboardInterrupt

        clients: list[Client] = []
        with contextlib.suppress(KeyboardInterrupt):
            (_fly_slideshow if options.frames else _fly_episodes)(options, clients, on_frame, while_waiting)
        return [*flight_log.summary(), ("commands ignored", str(sum(client.rejected for client in clients)))]


def _fly_slideshow(
    options: argparse.Namespace, clients: list[Client], on_frame: OnFrame, while_waiting: Callable[[], None]
) -> None:
    slideshow = Slideshow(options.frames, options.hz)
    clients.append(Client(options.host, options.port, accept_controls=False))
    plan = FlightPlan(options.hz, options.speed, options.duration, options.lockstep, await_last=True)
    with contextlib.closing(clients[-1]) as client:
        while not client.wait_connected(WAIT):  # each picture is shown once: none before somebody sees it
            while_waiting()
        Flight(slideshow, client, plan, while_waiting=while_waiting).fly(on_frame)


def _fly_episodes(
    options: argparse.Namespace, clients: list[Client], on_frame: OnFrame, while_waiting: Callable[[], None]
) -> None:
    """Fly one episode, and another one whenever the follower requests it, each with a connection of its own."""
    seed, people, difficulty = options.seed, options.people, options.difficulty
    speed, duration = options.speed, options.duration
    while True:
        level = LEVELS[difficulty]
        people = level.people if people is None else people
        city = level.city(seed)
        with contextlib.closing(Renderer(city, options.renderer)) as renderer:
            rules = level.rules(seed, _rules(options))
            episode = Episode(city, renderer, people, rules)
            plan = FlightPlan(
                options.hz,
                speed,
                duration,
                options.lockstep,
                ground_truth=options.ground_truth,
                wall_clock=options.like_quadsim,
            )
            clients.append(Client(options.host, options.port))
            with contextlib.closing(clients[-1]) as client:
                info = {"seed": seed, "people": people, "difficulty": difficulty, "difficulties": list(LEVELS)}
                info["search"] = info["motion"] = not rules.lock_on
                info["extent"] = city.extent
                flight = Flight(episode, client, plan, info, level.link(seed), while_waiting)
                flight.fly(on_frame)
        if flight.new_episode is None:
            return
        request, speed = flight.new_episode, flight.speed
        seed, people, difficulty = request["seed"], request["people"], request["difficulty"] or difficulty
        duration = duration and max(duration - episode.time, 0.0)


def _rules(options: argparse.Namespace) -> Rules:
    rules = QUADSIM if options.like_quadsim else OWN
    return replace(
        rules,
        turnover=options.turnover or rules.turnover,
        respawn=options.respawn or rules.respawn,
        lock_on=options.lock_on or rules.lock_on,
    )


def _host(text: str) -> str:
    """Check the form of a host name or address, not whether it exists."""
    try:
        if ":" in text:
            IPv6Address(text)
        elif not text.encode("idna"):
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected the name or the address of a machine, got {text!r}") from None
    return text
