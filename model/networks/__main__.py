"""Print the layers, shapes, parameters and multiply-accumulates of a preset: `python -m model.networks PRESET`."""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import sys
from collections.abc import Sequence

from config.commands import command_parser, run_command
from config.numbers import whole_number
from dataset.schema import CLASSES
from model.networks import PRESETS, build, multiply_accumulates
from model.networks.keras_settings import set_keras_settings
from model.settings import Size


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 2 for a size that does not fit, 130 after Ctrl-C."""
    parser = command_parser("model.networks", "Print the layers and the cost of a network.")
    parser.add_argument("preset", choices=PRESETS)
    text = "pixels, of a square or as ROWSxCOLUMNS; default: the preset's own"
    parser.add_argument("--input-size", type=_parse_size, metavar="SIZE", help=text)
    parser.add_argument(
        "--classes", type=whole_number(2), default=len(CLASSES), metavar="N", help="default: %(default)s"
    )
    options = parser.parse_args(arguments)
    return run_command("networks", lambda: describe(options))


def describe(options: argparse.Namespace) -> None:
    """Print the layers, shapes and cost of a preset. Raises ValueError."""
    set_keras_settings()
    network = build(options.preset, options.input_size, classes=options.classes)
    network.summary(line_length=120)  # wide enough to show every shape in full
    print(f"{multiply_accumulates(network) / 1e9:.3f} GMAC per frame, {network.count_params() / 1e6:.2f} M parameters")


def _parse_size(text: str) -> Size:
    try:
        sides = tuple(int(side) for side in text.split("x"))
    except ValueError:
        sides = ()
    if len(sides) not in (1, 2) or min(sides) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of pixels, or ROWSxCOLUMNS, got {text!r}")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


if __name__ == "__main__":
    sys.exit(main())
