"""The command line of follower.py: options, and the settings that follow from them and the settings file."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from app.settings import Settings, load_settings
from config.paths import path_of
from config.reader import assign, override
from config.version import VERSION
from model.inference.choices import DEVICES, RUNTIMES
from sim_bridge.settings import ASYNC_MODES

DEFAULT_CONFIG = Path(__file__).resolve().parents[1] / "follower.toml"

EPILOG = """\
examples:
  python follower.py                              the model that is shipped with this project
  python follower.py model_weights.h5             a file as given, in data/weights/, ../data/weights/ or model/weights/
  python follower.py ~/old/model_weights          a model of 2017, with config_model_weights beside it
  python follower.py --threshold 0.7              require more certainty before following
  python follower.py --sim                        fly in the built-in simulator
  python follower.py --sim -- --seed 3 --window   the options after -- are the simulator's: python -m simulator --help
  python follower.py model_weights.h5 --record    record to recordings/ from the start; the key r starts and stops it
  python follower.py --pred_viz                   watch the predictions in the browser
  python follower.py --set agent.threshold=0.7    any setting of follower.toml

Start this first; when it prints "waiting for QuadSim", start the simulator and choose Follow Me.
follower.toml describes every setting. Ctrl-C ends.
"""


@dataclass(frozen=True)
class Options:
    """Options of the command line, and the settings that they and the settings file give."""

    settings: Settings
    simulator_options: list[str] | None  # for the built-in simulator; None: do not start it
    open_browser: bool


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line (None: this process's) and the settings file. Raises ConfigError, SystemExit."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    simulator_options = arguments[end + 1 :]
    parser = _parser()
    given, unknown = parser.parse_known_args(arguments[:end])
    if unknown:
        after = f"; the simulator's options come last, after --: --sim -- {unknown[0]} ..."
        hint = after if given.sim and unknown[0].startswith("-") else ""
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    if simulator_options and not given.sim:
        parser.error(f"the options after -- are for the built-in simulator; add --sim: {' '.join(simulator_options)}")
    weights = getattr(given, "model.weights")
    if given.record and weights is None and Path(given.record).suffix in (".h5", ".keras"):
        parser.error(f"--record takes the name of a recording; put the model before it: {given.record} --record")
    return Options(_settings(given), simulator_options if given.sim else None, given.pred_viz)


def _parser() -> argparse.ArgumentParser:
    """Return the parser; options that stand for a setting have its name as their destination."""
    parser = argparse.ArgumentParser(
        prog="follower.py",
        description="Follow the target in QuadSim: frames in, commands out.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    text = "the model: a file, or a name in data/weights/, ../data/weights/ or model/weights/; input range: detected"
    add("model.weights", nargs="?", metavar="WEIGHTS", help=text)
    add("--config", type=path_of, metavar="FILE", help="settings file to use instead of follower.toml")
    add("--host", dest="bridge.host", metavar="HOST", help="address to listen on (127.0.0.1; 0.0.0.0: all interfaces)")
    add(
        "--port",
        dest="bridge.port",
        metavar="PORT",
        type=int,
        help="port to listen on (4567; QuadSim knows no other)",
    )
    threshold = "target probability above which a pixel belongs to the target (0.5)"
    add("--threshold", dest="agent.threshold", metavar="NUMBER", type=float, help=threshold)
    add("--async-mode", dest="bridge.async_mode", choices=ASYNC_MODES, help="transport of the server (threading)")
    runtime = "runtime of the network (auto: the fastest installed)"
    add("--runtime", dest="model.runtime", choices=RUNTIMES, help=runtime)
    add("--device", dest="model.device", choices=DEVICES, help="device of the network (auto: a GPU if there is one)")
    add("--record", nargs="?", const="", metavar="NAME", help="record from the start (or press r)")
    add("--sim", action="store_true", help="start the built-in simulator, too, and end with it")
    add("--pred_viz", "--pred-viz", action="store_true", help="open the live page in the browser")
    add("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change any other setting")
    add("--version", action="version", version=f"%(prog)s {VERSION}")
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    """Return the file's settings, changed by the command line's. Raises ConfigError."""
    file = given.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    settings = load_settings(file) if file else Settings()
    settings = reduce(assign, given.set, settings)
    overrides = {name: value for name, value in vars(given).items() if "." in name and value is not None}
    if given.record is not None:
        overrides["recording.enabled"] = True
    if given.record:
        overrides["recording.name"] = given.record
    for name, value in overrides.items():
        settings = override(settings, name, value)
    return settings
