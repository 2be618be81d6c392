"""Switch the active model during a flight: another is loaded on a thread of its own and takes over between two frames.

If it cannot be loaded, nothing changes.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dashboard.jobs import JobRunning
from dashboard.pages import Json
from dashboard.workshop.workspace import file_state
from sim_bridge.worker import Segmenter

logger = logging.getLogger(__name__)


class ModelSwitcher:
    """The active model; at first that of the file `path`.

    `load` returns a warmed-up network and its origin (`app.model_loading.describe_origin`); the messages of its
    ValueErrors, RuntimeErrors and OSErrors are shown to the user. `activate` switches to these from the next frame on.
    """

    def __init__(
        self,
        path: Path,
        load: Callable[[str, Path], tuple[Segmenter, Mapping[str, Any]]],
        activate: Callable[[Segmenter, Mapping[str, Any]], None],
        log: Callable[[str], None] = lambda text: None,
    ):
        self._load = load
        self._activate = activate
        self._log = log
        self._path, self._state = path.resolve(), file_state(path)
        self._starting = threading.Lock()
        self._loading: str | None = None
        self._refused: dict[str, str] | None = None

    def start(self, name: str, path: Path) -> None:
        """Load the model `name` and activate it; return at once. Raises JobRunning while another is being loaded."""
        with self._starting:
            if self._loading is not None:
                raise JobRunning(f"{self._loading} is still being loaded: wait until it is active")
            self._loading, self._refused = name, None
        threading.Thread(target=self._take_over, args=(name, path.resolve()), name="model", daemon=True).start()

    def status(self, models: Mapping[str, Path]) -> Json:
        """Return the active model by name (None: not in `models`), whether its file changed, and what is loading."""
        name = next((name for name, path in models.items() if path == self._path), None)
        changed = file_state(self._path) != self._state
        return {"model": name, "changed": changed, "loading": self._loading, "refused": self._refused}

    def _take_over(self, name: str, path: Path) -> None:
        try:
            state = file_state(path)
            network, origin = self._load(name, path)
            if file_state(path) != state:  # recordings must name the bytes that were loaded
                raise ValueError(f"{name} was replaced while it was being loaded; try again")
            self._activate(network, origin)
            self._path, self._state, self._loading = path, state, None
        except Exception as error:  # the flight continues
            reason = str(error)
            if not isinstance(error, (ValueError, RuntimeError, OSError)):  # a bug in this program
                logger.exception("%s could not be loaded", name)
                reason = f"it cannot be loaded, by a defect: {type(error).__name__}: {error}"
            self._loading, self._refused = None, {"model": name, "error": reason}
            self._log(f"{name} cannot be activated; the previous model stays active")
