"""The files that pages are made of, as they lie in static/, and the headers that every answer has."""

from collections.abc import Callable
from pathlib import Path

import flask

STATIC = Path(__file__).with_name("static")
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


def page(name: str) -> Callable[..., flask.Response]:
    """A view that shows a file of static/, whatever the rest of its address: its script reads that."""
    return lambda **path: flask.send_from_directory(STATIC, name)


def static_pages() -> flask.Blueprint:
    """The page of the flight, and the files of all pages."""
    pages = flask.Blueprint("dashboard", __name__, static_folder=str(STATIC), static_url_path="/assets")
    pages.add_url_rule("/", "live", page("live/index.html"))

    @pages.after_app_request
    def _harden(response: flask.Response) -> flask.Response:
        response.headers.update(HEADERS)
        return response

    return pages
