"""Pages of the dashboard: their templates, the files they load, and the headers of every answer.

What a page loads has the address /assets/ plus its path in this package, so that relative imports between scripts hold
on the disk, too.
"""

from collections.abc import Callable
from pathlib import Path

import flask
from flask.typing import ResponseReturnValue

from dashboard.calls import Body, command, query

ROOT = Path(__file__).parent
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


class Pages(flask.Blueprint):
    """Pages and HTTP calls of one part of the dashboard, with its folders templates/ and static/."""

    def __init__(self, part: str):
        """`part` is a folder of this package, or "" for what all parts share."""
        super().__init__(
            part or "dashboard",
            __name__,
            root_path=str(ROOT / part),
            static_folder="static",
            static_url_path="/".join(filter(None, ("/assets", part, "static"))),
            template_folder="templates",
        )

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

    def add_query(self, path: str, answer: Callable[..., ResponseReturnValue]) -> None:
        """Answer GET requests; see `calls.query`."""
        self.add_url_rule(path, answer.__name__, query(answer))

    def add_command(self, path: str, kind: type[Body], act: Callable[..., ResponseReturnValue]) -> None:
        """Answer authorised POST requests; see `calls.command`."""
        self.add_url_rule(path, act.__name__, command(kind, act), methods=["POST"])


def shared_pages() -> Pages:
    """Return what all pages share, and the headers of every answer of the application."""
    pages = Pages("")
    pages.after_app_request(_harden)
    return pages


def _harden(response: flask.Response) -> flask.Response:
    response.headers.update(HEADERS)
    return response
