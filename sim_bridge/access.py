"""Refuse HTTP requests that pages of other sites make the browser send to the bridge.

Simulators are not browsers and are not affected. Tokens for controls are the dashboard's.
"""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def refuse_other_sites(application: WSGIApplication, host: str) -> WSGIApplication:
    """Return a WSGI application that answers 403 to pages of other sites; `host` is the address listened on."""
    names = {"localhost", host.lower(), socket.gethostname().lower()}

    def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reason = refusal(environ, names)
        if reason is None:
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{reason}\n".encode()]

    return respond


def refusal(environ: WSGIEnvironment, names: set[str]) -> str | None:
    """Return why a request is refused, None if it is not; `names` are those of this machine.

    A page can point a name of its own at 127.0.0.1 (DNS rebinding); its requests are then same-origin, but their Host
    is that name. So Host must be an address or a name of this machine. Clients other than browsers send no Origin with
    a websocket and may use any name.
    """
    host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
    if origin is None and environ.get("HTTP_UPGRADE", "").lower() == "websocket":
        return None
    if not _is_this_machine(host, names):
        return f"this machine is not known as {host[:80]!r}: use its address, localhost or its host name"
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return f"pages of {origin[:80]!r} may not use this server"
    return None


def is_loopback(host: str) -> bool:
    """Return whether only this machine can connect to an address that is listened on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host.lower() == "localhost"


def _is_this_machine(host: str, names: set[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name in names or ipaddress.ip_address(name) is not None
    except ValueError:  # neither a name of this machine nor an address
        return False
