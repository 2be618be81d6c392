"""Small things to train and compare: networks of a few weights and recordings of a few frames."""

import json
from dataclasses import dataclass
from pathlib import Path

from dashboard.workshop.workspace import WorkspacePaths
from dataset.recordings.frame_record import FrameRecord
from tests.model.labelled_frames import write_dataset

SIZE = 64
SETTINGS = """
batch_size = 4
steps_per_epoch = 2
full_frame_batch_size = 2
full_frame_fraction = 0.0
fine_tuning_learning_rate = 0.01
[augmentation]
crop = 64
"""


@dataclass(frozen=True)
class Workbench:
    """A folder with models, recordings and data."""

    folder: Path

    @property
    def paths(self) -> WorkspacePaths:
        """Paths for a workshop."""
        models = (self.folder / "models" / "one.h5", self.folder / "models")
        settings = str(self.folder / "settings.toml")
        return WorkspacePaths(self.folder / "recordings", self.folder / "runs", models, settings)


def lay_out(folder: Path) -> Workbench:
    """Two models, `one.h5` and `two.h5`; the recordings `meadow` and `park`; a dataset `data`, and one that is bad."""
    from model.inference.quiet_tensorflow import import_tensorflow_quietly
    from model.networks import build
    from model.weights import save_model

    import_tensorflow_quietly()
    import keras

    (folder / "models").mkdir()
    for seed, name in enumerate(("one", "two")):
        keras.utils.set_random_seed(seed)
        model = build("fcn-1", SIZE)
        model.set_weights([*model.get_weights()[:-2], *(50 * weight for weight in model.get_weights()[-2:])])  # decided
        save_model(model, folder / "models" / f"{name}.h5", {})
    for seed, name in enumerate(("meadow", "park")):
        run = write_dataset(folder / "recordings" / name, 40, SIZE, seed)
        frames = [FrameRecord(path.stem, path.name, "simulator", 9, 9) for path in sorted((run / "images").iterdir())]
        (run / "frames.jsonl").write_bytes(b"".join(frame.to_line() for frame in frames))
    write_dataset(folder / "data", 12, SIZE, 3)
    bad = write_dataset(folder / "bad", 3, SIZE, 4)
    (bad / "masks" / "run_1_mask_00001.png").unlink()
    (folder / "settings.toml").write_text(SETTINGS)
    return Workbench(folder)


def write_training(run: Path, epochs: int) -> Path:
    """Write the folder of a training that was started from a terminal and has done 2 of `epochs` epochs."""
    run.mkdir(parents=True)
    (run / "arguments.json").write_text(json.dumps({"minutes": None}))
    (run / "settings.json").write_text(json.dumps({"epochs": epochs}))
    (run / "results.csv").write_text("epoch,minutes,loss\n1,0.5,1.5\n2,1.0,1.25\n")
    (run / "checkpoint.npz").write_bytes(b"")
    return run
