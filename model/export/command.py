"""Export a model for other runtimes, each checked against the .h5 on real frames.

    python -m model.export model_weights.h5 --calibration validation.zip --out exported

Writes SavedModel, LiteRT (float32, and 8-bit integers calibrated on the frames), ONNX and OpenVINO, and prints how far
each one's answers are from the model's own, its size and its latency. LiteRT and ONNX need further packages:
pip install -r requirements-export.txt
"""

import argparse
import sys
import time
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from dataset.pairs import DatasetError, Pair, decode_image, find_pairs
from dataset.schema import HERO
from model.evaluation.metrics import predicted_mask

NEEDS = {  # format -> packages
    "saved_model": ("tensorflow",),
    "litert": ("tensorflow", "ai_edge_litert"),
    "litert_int8": ("tensorflow", "ai_edge_litert"),
    "onnx": ("tensorflow", "onnx", "onnxruntime", "tf2onnx"),
    "openvino": ("tensorflow", "openvino"),
}
CALIBRATION_FRAMES, CHECK_FRAMES = 100, 40
EXACT = 0.05  # of 255: float formats differ by less on average, on every frame


class ExportError(RuntimeError):
    """A format cannot be written here; the message says what to install."""


@dataclass(frozen=True)
class Check:
    """One artefact against the model it was made from."""

    format: str
    takes: str
    megabytes: float
    milliseconds: float  # a single frame, median
    mean_difference: float  # of 255, mean over all probabilities of all frames
    worst_difference: float  # of 255, of the frame that differs most
    hero_agreement: float  # IoU of the two hero masks over all frames; 1 when neither sees one

    @property
    def passed(self) -> bool:
        """Float formats must give the model's answers; for 8-bit integers the differences are what the table is for."""
        return self.format == "litert_int8" or self.worst_difference <= EXACT


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 when all agrees, 1 when a format gives other answers, 2 when one cannot be made, 130: Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m model.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", metavar="WEIGHTS", help="the model: a file, or a name in model/weights/")
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=NEEDS,
        default=list(NEEDS),
        metavar="FORMAT",
        help=f"of {', '.join(NEEDS)} (default: all)",
    )
    parser.add_argument("--out", type=Path, default=Path("exported"), metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--calibration",
        type=Path,
        required=True,
        metavar="DATA",
        help="frames to calibrate and check with: images/ and masks/",
    )
    options = parser.parse_args(arguments)
    console = Console()
    try:
        checks = export(options, console)
    except KeyboardInterrupt:
        print("export: interrupted", file=sys.stderr)
        return 130
    except (ValueError, RuntimeError, OSError) as error:  # DatasetError, WeightsError, ExportError, converters, files
        print(f"export: {error}", file=sys.stderr)
        return 2
    console.print(table(checks))
    wrong = [check.format for check in checks if not check.passed]
    if wrong:
        print(f"export: {', '.join(wrong)} gives other answers than the model, do not use it", file=sys.stderr)
    return 1 if wrong else 0


def export(options: argparse.Namespace, console: Console) -> list[Check]:
    """Writes and checks every format that was asked for. Raises ExportError when one needs what is not installed."""
    check_packages(options.formats)
    from model.inference.quiet_tensorflow import import_tensorflow_quietly

    with console.status("loading"):
        import_tensorflow_quietly()
        from model.export import formats as exporters
        from model.weights import load_model

        loaded = load_model(options.weights)
        calibration, frames = read_frames(options.calibration, loaded.input_size)
        expected = np.concatenate([loaded.model.predict_on_batch(f[None].astype(np.float32)) for f in frames])
    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.out / Path(loaded.name).stem
    checks = []
    for name in track(options.formats, description="exporting", console=console, transient=True):
        artefact = exporters.FORMATS[name](loaded.model, stem, calibration)
        checks.append(check(name, artefact, frames, expected))
    return checks


def check_packages(formats: Sequence[str]) -> None:
    """Raises ExportError that names all packages that are missing for these formats."""
    needed = dict.fromkeys(package for name in formats for package in NEEDS[name])
    missing = [package.replace("_", "-") for package in needed if find_spec(package) is None]
    if missing:
        raise ExportError(
            f"{', '.join(missing)} {'are' if len(missing) > 1 else 'is'} not installed: "
            "pip install -r requirements-export.txt, or choose other --formats"
        )


def check(name: str, artefact, frames: np.ndarray, expected: np.ndarray) -> Check:
    """Runs an artefact (`model.export.formats.Artefact`) on frames whose right answers are known."""
    results, took = [], []
    artefact.run(frames[:1])
    for frame in frames:
        start = time.perf_counter()
        results.append(artefact.run(frame[None])[0])
        took.append(time.perf_counter() - start)
    differences = np.abs(np.stack(results) - expected).mean(axis=(1, 2, 3)) * 255
    hero, expected_hero = predicted_mask(np.stack(results))[..., HERO], predicted_mask(expected)[..., HERO]
    union = np.count_nonzero(hero | expected_hero)
    return Check(
        format=name,
        takes=artefact.takes,
        megabytes=artefact.megabytes,
        milliseconds=float(np.median(took) * 1000),
        mean_difference=float(differences.mean()),
        worst_difference=float(differences.max()),
        hero_agreement=np.count_nonzero(hero & expected_hero) / union if union else 1.0,
    )


def read_frames(source: Path, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Frames spread over a dataset, at the network's (rows, columns): those to calibrate with and others to check with.

    Raises DatasetError, or ValueError when there are fewer than two frames.
    """
    pairs, _ = find_pairs(source)
    if len(pairs) < 2:
        raise ValueError(f"expected at least 2 frames in {source} to calibrate and to check with, found {len(pairs)}")
    count = min(CALIBRATION_FRAMES + CHECK_FRAMES, len(pairs))
    chosen = [pairs[index] for index in np.linspace(0, len(pairs) - 1, count).round().astype(int)]
    rows, columns = size
    frames = np.stack(
        [
            np.asarray(Image.fromarray(_read_image(pair)).resize((columns, rows), Image.Resampling.BILINEAR))
            for pair in chosen
        ]
    )
    checking = np.zeros(count, bool)
    checking[
        np.linspace(0, count - 1, max(count * CHECK_FRAMES // (CALIBRATION_FRAMES + CHECK_FRAMES), 1)).astype(int)
    ] = True
    return frames[~checking], frames[checking]


def _read_image(pair: Pair) -> np.ndarray:
    try:
        return decode_image(pair.image.read(), pair.image)
    except (zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(f"{pair.image} cannot be read: {error}") from error


def table(checks: Sequence[Check]) -> Table:
    """The results for a person."""
    drawn = Table(caption="differences: of 255, from the .h5; hero: IoU of its mask with the .h5's")
    for index, name in enumerate(("format", "takes", "MB", "ms a frame", "difference", "worst frame", "hero")):
        drawn.add_column(name, justify="right" if index > 1 else "left")
    for each in checks:
        drawn.add_row(
            each.format,
            each.takes,
            f"{each.megabytes:.2f}",
            f"{each.milliseconds:.1f}",
            f"{each.mean_difference:.4f}",
            f"{each.worst_difference:.4f}",
            f"{each.hero_agreement:.4f}",
        )
    return drawn
