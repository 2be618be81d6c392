"""Pages of the dashboard and its HTTP calls: queries (GET) read, commands (POST) change something.

Where only this machine can connect, every caller may use commands. Otherwise they need the token that the follower
prints. Pages of other sites are refused before this (sim_bridge.access) and again here: a command accepts JSON only,
which a browser sends to another site only with that site's permission.

Files that pages load have the address /assets/ plus their path in this package, so that relative imports between
scripts are valid on disk, too.
"""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import flask
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from config.reader import build
from dashboard.jobs import JobRunning
from dataset.review.relabelling import LabelsChanged

ROOT = Path(__file__).parent
TOKEN, OFFLOAD = "DASHBOARD_TOKEN", "DASHBOARD_OFFLOAD"  # keys of the application's configuration
MAX_BODY_BYTES = 10_000
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Result = TypeVar("Result")
Body = TypeVar("Body", bound="DataclassInstance")
Json = dict[str, Any]


@dataclass(frozen=True)
class EmptyBody:
    """Body of a command without parameters: {}."""


class Pages(flask.Blueprint):
    """Pages and HTTP calls of one part of the dashboard, with its folders templates/ and static/.

    Views take the variable parts of the path by name. An expected error that they raise becomes a status and a
    sentence.
    """

    def __init__(self, part: str):
        """Take `part`, a folder of this package, or "" for the pages that all parts share."""
        super().__init__(
            part or "dashboard",
            __name__,
            root_path=str(ROOT / part),
            static_folder="static",
            static_url_path="/".join(filter(None, ("/assets", part, "static"))),
            template_folder="templates",
        )
        self.register_error_handler(ValueError, lambda error: _refuse(400, str(error)))
        self.register_error_handler(LookupError, lambda error: _refuse(404, str(error.args[0])))
        for conflict in (JobRunning, LabelsChanged):
            self.register_error_handler(conflict, lambda error: _refuse(409, str(error)))
        self.register_error_handler(OSError, lambda error: _refuse(500, f"disk error: {_reason(error)}"))

    def add_page(self, path: str, template: str) -> None:
        """Show a template at `path`, whatever its variable parts: the page's script reads those.

        Templates get no data, so nothing that comes from elsewhere can become markup.
        """

        def show(**path: object) -> flask.Response:
            response = flask.make_response(flask.render_template(template))
            response.add_etag()
            response.make_conditional(flask.request)
            return response

        self.add_url_rule(path, template.removesuffix(".html"), show)

    def add_command(
        self, path: str, kind: type[Body], act: Callable[..., ResponseReturnValue], max_bytes: int = MAX_BODY_BYTES
    ) -> None:
        """Answer authorised POST requests by a function of a `kind`, built from the JSON object in the body."""

        def view(**path: object) -> ResponseReturnValue:
            request = flask.request
            request.max_content_length = max_bytes
            if not is_authorised():
                return _refuse(401, "controls need the token that the follower printed: Authorization: Bearer TOKEN")
            if not request.is_json:
                return _refuse(415, "expected JSON: Content-Type: application/json")
            try:
                body = request.get_json(silent=True)
                command = build(kind, body, noun="key") if isinstance(body, dict) else None
            except RequestEntityTooLarge:
                return _refuse(413, f"expected at most {max_bytes} bytes")
            except RecursionError:
                return _refuse(400, "expected one JSON object, for example {}, without so many lists within lists")
            if command is None:
                return _refuse(400, "expected one JSON object, for example {}")
            return act(command, **path)

        self.add_url_rule(path, act.__name__, view, methods=["POST"])


def is_authorised() -> bool:
    """Return whether the caller of the current request may change something."""
    token = flask.current_app.config[TOKEN]
    given = flask.request.headers.get("Authorization", "")
    return token is None or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def offload(function: Callable[[], Result]) -> Result:
    """Run a slow function for a query or a command without delaying the flight's connections."""
    result: Result = flask.current_app.config[OFFLOAD](function)
    return result


def read_number(parameter: str) -> int:
    """Return a whole number from the query of the request's address, 0 if it is missing. Raises ValueError."""
    text = flask.request.args.get(parameter, "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise ValueError(f"{parameter}: expected a whole number, got {text!r:.40}")
    return int(text)


def harden(response: flask.Response) -> flask.Response:
    """Add the headers of every answer of the application."""
    response.headers.update(HEADERS)
    return response


def _reason(error: OSError) -> str:
    """Return the reason and the file's name, without its folder: clients need not know the server's paths."""
    file = "" if error.filename is None or isinstance(error.filename, int) else os.fsdecode(error.filename)
    return ": ".join(filter(None, [os.path.basename(file), error.strerror or str(error)]))


def _refuse(status: int, sentence: str) -> tuple[Json, int]:
    return {"error": sentence}, status
