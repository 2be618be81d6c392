"""The pages, made of templates/ and the files in static/, and the headers that every answer has."""

from collections.abc import Callable
from pathlib import Path

import flask

STATIC, TEMPLATES = (Path(__file__).with_name(folder) for folder in ("static", "templates"))
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
    """A view that shows templates/`name`, whatever the rest of its address: its script reads that.

    Templates get no data, so nothing that comes from elsewhere can become markup.
    """

    def show(**path: object) -> flask.Response:
        response = flask.make_response(flask.render_template(name))
        response.add_etag()
        return response.make_conditional(flask.request)

    return show


def static_pages() -> flask.Blueprint:
    """The page of the flight, and the files of all pages."""
    pages = flask.Blueprint(
        "dashboard", __name__, static_folder=STATIC, static_url_path="/assets", template_folder=TEMPLATES
    )
    pages.add_url_rule("/", "live", page("live.html"))

    @pages.after_app_request
    def _harden(response: flask.Response) -> flask.Response:
        response.headers.update(HEADERS)
        return response

    return pages
