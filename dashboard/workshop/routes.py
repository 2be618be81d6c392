"""The workshop page and its HTTP calls: train models further, compare two, activate another.

It runs `model.train` and `model.compare` as processes and reads what they write: independent of the flight, and no
network is loaded here. docs/reference/http.md describes the calls for users.
"""

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import flask

from dashboard.jobs import BackgroundJob
from dashboard.pages import EmptyBody, Json, Pages, is_authorised, offload, read_number
from dashboard.workshop.comparison import Comparison
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.requests import (
    ActivationRequest,
    ComparisonRequest,
    TrainingRequest,
    comparison_arguments,
    resume_arguments,
    training_arguments,
)
from dashboard.workshop.training_cache import TrainingCache
from dashboard.workshop.workspace import (
    WorkspacePaths,
    find_model,
    find_models,
    find_sweeps,
    find_training,
    find_trainings,
    progress,
)
from dataset.schema import SIZE_BANDS
from model.evaluation.comparison_files import FOLDERS
from model.run_files import PICTURES

MAX_TRAININGS = 100  # on the page
ENDS = {0: "is done", 3: "is done: no gain", 130: "was stopped"}  # by exit status of `model.train`
PRIVATE = {"lines", "command", "refused"}  # may name folders of this machine


class Workshop:
    """One training and one comparison at a time. A context manager: on exit both end; the training can be resumed.

    Each uses `threads` threads; 0: half of the processor's. `log` gets a sentence when a training begins and ends.
    """

    def __init__(
        self,
        paths: WorkspacePaths,
        model_switcher: ModelSwitcher,
        threads: int = 0,
        log: Callable[[str], None] = lambda text: None,
    ):
        threads = threads or max((os.cpu_count() or 2) // 2, 1)
        self._paths = paths
        self._log = log
        self._model_switcher = model_switcher
        self._cache = TrainingCache()
        self._training = BackgroundJob("model.train", threads, self._log_end)
        self._trained: str | None = None  # name of the latest training that was started here
        self._command: list[str] = []
        self._comparison = Comparison(threads)

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *exception: object) -> None:
        self._training.close()
        self._comparison.close()

    def pages(self) -> Pages:
        """Return the page with its calls."""
        pages = Pages("workshop")
        pages.add_page("/workshop", "workshop.html")
        api, training = "/api/workshop", "/api/workshop/trainings/<name>"
        pages.get(api)(self._describe)
        pages.add_command(f"{api}/active-model", ActivationRequest, self._activate)
        pages.add_command(f"{api}/trainings", TrainingRequest, self._train)
        pages.get(training)(self._describe_training)
        pages.get(f"{training}/<any({', '.join(map(repr, PICTURES))}):picture>")(self._training_picture)
        pages.add_command(f"{training}/resume", EmptyBody, self._resume)
        pages.add_command(f"{training}/stop", EmptyBody, self._stop_training)
        comparison = f"{api}/comparison"
        pages.get(comparison)(self._describe_comparison)
        pages.get(f"{comparison}/<int:number>/<any({', '.join(FOLDERS)}):part>/<file>")(self._compared_picture)
        pages.add_command(f"{comparison}/start", ComparisonRequest, self._compare)
        pages.add_command(f"{comparison}/stop", EmptyBody, self._stop_comparison)
        return pages

    def _describe(self) -> Json:
        models, trainings, sweeps = offload(self._read_folders)
        return {
            "models": list(models),
            "active_model": _visible(self._model_switcher.status(models)),
            "trainings": trainings,
            "sweeps": sweeps,
            "training": {"name": self._trained, **_visible(self._training.status())},
            "comparison": _visible(self._comparison.status()),
            "size_bands": [band.name for band in SIZE_BANDS],
        }

    def _read_folders(self) -> tuple[dict[str, Path], list[Json], list[Json]]:
        trainings = find_trainings(self._paths.runs)[:MAX_TRAININGS]
        return find_models(self._paths), list(map(self._cache.summary, trainings)), find_sweeps(self._paths.runs)

    def _activate(self, request: ActivationRequest) -> Json:
        self._model_switcher.start(request.model, find_model(self._paths, request.model))
        return {"loading": request.model}

    # Trainings.

    def _describe_training(self, name: str) -> Json:
        """Return everything about a training; its rows only if they differ from the version that the reader has."""
        process, started = None, None
        if name == self._trained:
            process = _visible(self._training.status() | {"command": shlex.join(self._command)})
            started = process["started"] if self._training.running else None
        try:
            training = find_training(self._paths.runs, name)
        except LookupError:
            if process is None:
                raise
            return {"name": name, "process": process, "version": "", "rows": []}  # its folder is not there yet
        version, rows = training.version, self._cache.rows(training)
        return {
            **progress(self._cache.summary(training), rows, started),
            "process": process,
            "version": version,
            "rows": None if flask.request.args.get("seen") == version else rows,
            "pictures": training.pictures(),
            "verdict": training.verdict(),
        }

    def _training_picture(self, name: str, picture: str) -> flask.Response:
        training = find_training(self._paths.runs, name)
        if picture not in training.pictures():
            raise LookupError(f"{name} has no {picture}")
        return flask.send_file(training.path.absolute() / picture, "image/png", conditional=True)

    def _train(self, request: TrainingRequest) -> Json:
        return self._start_training(*training_arguments(request, self._paths))

    def _resume(self, request: EmptyBody, name: str) -> Json:
        return self._start_training(name, resume_arguments(name, self._paths))

    def _start_training(self, name: str, arguments: list[str]) -> Json:
        self._training.start(arguments)
        self._trained, self._command = name, ["python", "-m", "model.train", *arguments]
        self._log(f"training {name}")
        return {"name": name}

    def _stop_training(self, request: EmptyBody, name: str) -> Json:
        if name != self._trained or not self._training.running:
            raise LookupError(f"the training {name[:100]!r} is not running")
        self._training.stop()
        return {"name": name}

    def _log_end(self, status: int) -> None:
        self._log(f"training {self._trained} {ENDS.get(status, 'has failed')}")

    # Comparisons.

    def _describe_comparison(self) -> Json:
        process, about = _visible(self._comparison.status()), self._comparison.about()
        shown = {key: about.get(key) for key in ("models", "classes", "frames", "tables")}
        return {"process": process, **shown, "rows": self._comparison.rows(read_number("from"))}

    def _compared_picture(self, number: int, part: str, file: str) -> flask.Response:
        if number != self._comparison.number:
            raise LookupError(f"comparison {number} has been removed")
        return flask.send_file(self._comparison.picture(part, file), conditional=True)

    def _compare(self, request: ComparisonRequest) -> Json:
        self._comparison.start(comparison_arguments(request, self._paths))
        return {"number": self._comparison.number}

    def _stop_comparison(self, request: EmptyBody) -> Json:
        self._comparison.stop()
        return {"number": self._comparison.number}


def _visible(status: Json) -> Json:
    """Return what the caller may see of a status."""
    return status if is_authorised() else {key: value for key, value in status.items() if key not in PRIVATE}
