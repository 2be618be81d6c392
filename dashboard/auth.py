"""Who may change something here, and what such a call has to look like. Knows no call in particular.

Pages of other sites are kept out before (access.py), and again here: only JSON is taken, which they cannot send without
asking. Where other machines can connect, each call needs the token.
"""

import hmac
from collections.abc import Callable

import flask
from werkzeug.exceptions import RequestEntityTooLarge

LARGEST_BODY = 10_000  # bytes


class Authoriser:
    """What every call that changes something goes through. `token` None: whoever connects may use them."""

    def __init__(self, token: str | None):
        self.token = token

    def is_authorised(self) -> bool:
        """Whether the caller of the request at hand may change something."""
        given = flask.request.headers.get("Authorization", "")
        return self.token is None or hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode())

    def require_token(self, control: Callable[..., dict]) -> Callable[..., flask.typing.ResponseReturnValue]:
        """A view, for POST only, of a function that takes the JSON object that came and parts of the path by name.

        What it returns is the answer; its errors answer as `answered` says.
        """

        def call(**path: object) -> flask.typing.ResponseReturnValue:
            request = flask.request
            request.max_content_length = LARGEST_BODY
            if not self.is_authorised():
                return refuse(401, "controls need the token that the follower printed: Authorization: Bearer TOKEN")
            if not request.is_json:
                return refuse(415, "expected JSON: Content-Type: application/json")
            try:
                body = request.get_json(silent=True)
            except RequestEntityTooLarge:
                return refuse(413, f"expected at most {LARGEST_BODY} bytes")
            if not isinstance(body, dict):
                return refuse(400, "expected one JSON object, for example {}")
            return answered(lambda: control(body, **path))

        return call


def answered(answer: Callable[[], flask.typing.ResponseReturnValue]) -> flask.typing.ResponseReturnValue:
    """What `answer` gives, or its error: 400 for a ValueError, 404 for a LookupError, 500 for an OSError."""
    try:
        return answer()
    except ValueError as error:
        return refuse(400, str(error))
    except LookupError as error:
        return refuse(404, str(error.args[0]))
    except OSError as error:
        return refuse(500, f"the disk refused: {error.strerror or error}")


def refuse(status: int, sentence: str) -> tuple[dict, int]:
    """An answer that says why not."""
    return {"error": sentence}, status
