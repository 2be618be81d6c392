"""HTTP calls: queries (GET) read, commands (POST) change something and need authorisation.

Pages of other sites are refused before this (sim_bridge.access) and again here: a command accepts JSON only, which a
browser sends to another site only after asking it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import flask
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from config.reader import build
from dashboard.auth import is_authorised
from dashboard.jobs import JobRunning

MAX_BODY_BYTES = 10_000
OFFLOAD = "DASHBOARD_OFFLOAD"  # key of `BridgeServer.offload` in the application's configuration

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Result = TypeVar("Result")
Body = TypeVar("Body", bound="DataclassInstance")
Json = dict[str, Any]


@dataclass(frozen=True)
class NoBody:
    """Body of a command without parameters: {}."""


def query(answer: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Return a view of a function that takes the variable parts of the path by name."""
    return lambda **path: _respond(lambda: answer(**path))


def command(kind: type[Body], act: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Return a view, for POST, of a function that takes a `kind` and the variable parts of the path by name.

    `kind` is a dataclass, built from the JSON object in the request's body.
    """

    def view(**path: object) -> ResponseReturnValue:
        request = flask.request
        request.max_content_length = MAX_BODY_BYTES
        if not is_authorised():
            return _refuse(401, "controls need the token that the follower printed: Authorization: Bearer TOKEN")
        if not request.is_json:
            return _refuse(415, "expected JSON: Content-Type: application/json")
        try:
            body = request.get_json(silent=True)
        except RequestEntityTooLarge:
            return _refuse(413, f"expected at most {MAX_BODY_BYTES} bytes")
        if not isinstance(body, dict):
            return _refuse(400, "expected one JSON object, for example {}")
        return _respond(lambda: act(build(kind, body, noun="key"), **path))

    return view


def _respond(answer: Callable[[], ResponseReturnValue]) -> ResponseReturnValue:
    """Return what `answer` does, or a sentence and a status for its error."""
    try:
        return answer()
    except ValueError as error:
        return _refuse(400, str(error))
    except LookupError as error:
        return _refuse(404, str(error.args[0]))
    except JobRunning as error:
        return _refuse(409, str(error))
    except OSError as error:
        return _refuse(500, f"the disk refused: {error.strerror or error}")


def _refuse(status: int, sentence: str) -> tuple[Json, int]:
    return {"error": sentence}, status


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
