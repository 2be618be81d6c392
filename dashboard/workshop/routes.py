"""The workshop over HTTP: retrain on recordings and watch it learn, compare two models on the same frames.

It starts `model.train` and `model.compare` as processes of their own and reads what they write: away from the flight's
path, and no network is ever loaded here. docs/dashboard.md describes the calls for users.
"""

import functools
import os
import shlex
from collections.abc import Callable, Mapping

import flask

from dashboard.auth import Authoriser, answered, refuse
from dashboard.jobs import BackgroundJob, JobRunning
from dashboard.pages import page
from dashboard.workshop.comparison import Comparison
from dashboard.workshop.model_switcher import ModelSwitcher
from dashboard.workshop.requests import (
    WorkspacePaths,
    find_model,
    find_models,
    read_comparison,
    read_resumption,
    read_training,
)
from dashboard.workshop.trainings import find_training, find_trainings
from model.evaluation.comparison_files import FOLDERS
from model.training.run_files import PICTURES

MOST_TRAININGS = 100  # on the page
DONE, NO_GAIN, INTERRUPTED = 0, 3, 130  # exit statuses of `model.train`
ENDS = {DONE: "is done", NO_GAIN: "is done: no gain", INTERRUPTED: "was stopped"}


class Workshop:
    """One training and one comparison at a time. Use as a context manager: at its end both end, trainings resumable.

    Args:
        paths: of recordings, models and trainings.
        threads: how many a training or a comparison may use; 0: half of the processor's.
        say: told in words when a training begins and ends.
        low_priority: they run at the lowest priority.
        model_switcher: None where the model cannot be switched.
    """

    def __init__(
        self,
        paths: WorkspacePaths,
        threads: int = 0,
        say: Callable[[str], None] = lambda text: None,
        low_priority: bool = True,
        model_switcher: ModelSwitcher | None = None,
    ):
        threads = threads or max((os.cpu_count() or 2) // 2, 1)
        self._paths = paths
        self._say = say
        self._model_switcher = model_switcher
        self._training = BackgroundJob("model.train", threads, low_priority, self._training_ended)
        self._trained: str | None = None  # the name of the training that runs, or ran last
        self._command: list[str] = []
        self._comparison = Comparison(threads, low_priority)
        self._authoriser: Authoriser | None = None

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *exception: object) -> None:
        self._training.close()
        self._comparison.close()

    def pages(self, authoriser: Authoriser) -> flask.Blueprint:
        """The page and the calls of an application."""
        self._authoriser = authoriser
        pages = flask.Blueprint("workshop", __name__)
        pages.add_url_rule("/workshop", "page", page("workshop.html"))
        api = "/api/workshop"
        reading = (
            (api, self._describe),
            (f"{api}/trainings/<name>", self._watch),
            (f"{api}/trainings/<name>/<any({', '.join(map(repr, PICTURES))}):picture>", self._training_picture),
            (f"{api}/comparison", self._compared),
            (f"{api}/comparison/<int:number>/<any({', '.join(FOLDERS)}):part>/<file>", self._comparison_picture),
        )
        for path, read in reading:
            pages.add_url_rule(path, read.__name__, _reading(read))
        changing = (
            ("/trainings", self._train),
            ("/trainings/<name>/resume", self._resume),
            ("/trainings/<name>/stop", self._stop_training),
            ("/comparison/start", self._compare),
            ("/comparison/stop", self._stop_comparing),
            ("/active-model", self._activate),
        )
        for path, change in changing:
            pages.add_url_rule(
                api + path, change.__name__, authoriser.require_token(_unless_busy(change)), methods=["POST"]
            )
        return pages

    # Reading.

    def _describe(self) -> dict:
        trainings = [training.summary() for training in find_trainings(self._paths.runs)[:MOST_TRAININGS]]
        models = find_models(self._paths)
        return {
            "models": list(models),
            "active_model": self._shown(self._model_switcher.status(models)) if self._model_switcher else None,
            "trainings": trainings,
            "training": {"name": self._trained, **self._shown(self._training.status())},
            "comparison": self._shown(self._comparison.status()),
        }

    def _watch(self, name: str) -> dict:
        """All of a training; its rows only if they are not those of the version that the reader has seen."""
        running = name == self._trained
        status = self._shown(self._training.status() | {"command": shlex.join(self._command)}) if running else None
        try:
            training = find_training(self._paths.runs, name)
        except LookupError:
            if not running:
                raise
            return {"name": name, "process": status, "version": "", "rows": []}  # it has not made its folder yet
        version = training.version
        return {
            **training.progress(status["began"] if running and self._training.running else None),
            "process": status,
            "version": version,
            "rows": None if flask.request.args.get("seen") == version else training.rows(),
            "pictures": training.pictures(),
            "verdict": training.verdict(),
        }

    def _training_picture(self, name: str, picture: str) -> flask.Response:
        training = find_training(self._paths.runs, name)
        if picture not in training.pictures():
            raise LookupError(f"{name} has no {picture}")
        return flask.send_file(training.path.absolute() / picture, "image/png", conditional=True)

    def _compared(self) -> dict:
        start = flask.request.args.get("from", "0")
        if not (start.isascii() and start.isdecimal() and len(start) < 10):
            raise ValueError(f"from: expected a number of frames, got {start!r:.40}")
        about = self._comparison.about()
        return {
            "process": self._shown(self._comparison.status()),
            "models": about.get("models"),
            "frames": about.get("frames"),
            "tables": about.get("tables"),
            "rows": self._comparison.rows(int(start)),
        }

    def _comparison_picture(self, number: int, part: str, file: str) -> flask.Response:
        if number != self._comparison.number:
            raise LookupError(f"comparison {number} is not there any more")
        return flask.send_file(self._comparison.picture(part, file), conditional=True)

    def _shown(self, status: dict) -> dict:
        """Without what tells of this machine's folders, for those who may only watch."""
        if self._authoriser.is_authorised():
            return status
        return {key: value for key, value in status.items() if key not in ("lines", "command", "refused")}

    # Each takes the JSON object that came, and says what is so now.

    def _train(self, body: Mapping) -> dict:
        name, arguments = read_training(body, self._paths)
        return self._begin(name, arguments)

    def _resume(self, body: Mapping, name: str) -> dict:
        return self._begin(name, read_resumption(name, self._paths))

    def _begin(self, name: str, arguments: list[str]) -> dict:
        self._training.start(arguments)
        self._trained, self._command = name, ["python", "-m", "model.train", *arguments]
        self._say(f"training {name}")
        return {"name": name}

    def _stop_training(self, body: Mapping, name: str) -> dict:
        if name != self._trained or not self._training.running:
            raise LookupError(f"the training {name[:100]!r} does not run")
        self._training.stop()
        return {"name": name}

    def _compare(self, body: Mapping) -> dict:
        self._comparison.start(read_comparison(body, self._paths))
        return {"number": self._comparison.number}

    def _stop_comparing(self, body: Mapping) -> dict:
        self._comparison.stop()
        return {"number": self._comparison.number}

    def _activate(self, body: Mapping) -> dict:
        if self._model_switcher is None:
            raise LookupError("this follower cannot switch its model")
        name = body.get("model")
        self._model_switcher.start(name, find_model(self._paths, "model", name))
        return {"loading": name}

    def _training_ended(self, status: int) -> None:
        self._say(f"training {self._trained} {ENDS.get(status, 'has failed')}")


def _reading(read: Callable[..., flask.typing.ResponseReturnValue]) -> Callable[..., flask.typing.ResponseReturnValue]:
    return lambda **path: answered(lambda: read(**path))


def _unless_busy(control: Callable[..., dict]) -> Callable[..., flask.typing.ResponseReturnValue]:
    @functools.wraps(control)
    def ask(*arguments: object, **path: object) -> flask.typing.ResponseReturnValue:
        try:
            return control(*arguments, **path)
        except JobRunning as error:
            return refuse(409, str(error))

    return ask
