"""Who may talk to the bridge over HTTP: no page of another site, by whatever name it reached this machine.

Simulators are no browsers and are not touched by this. Tokens for controls are the dashboard's business.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit


def guard(application: Callable, host: str) -> Callable:
    """A WSGI application that answers 403 to what a page of another site sends; `host` is the address listened on."""
    names = {"localhost", host.lower(), socket.gethostname().lower()}

    def guarded(environ: dict, start_response: Callable) -> Iterable[bytes]:
        reason = refusal(environ, names)
        if reason is None:
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{reason}\n".encode()]

    return guarded


def refusal(environ: dict, names: set[str]) -> str | None:
    """Why a request is refused, None when it is not.

    A page can point a name of its own at 127.0.0.1 (DNS rebinding); then its requests are same-origin, but their Host
    is that name. So Host must be an address or a name that this machine is known by. Clients that are no browsers
    send no Origin with a websocket and may call us what they like.
    """
    host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
    if origin is None and environ.get("HTTP_UPGRADE", "").lower() == "websocket":
        return None
    if not _is_ours(host, names):
        return f"this machine is not known as {host[:80]!r}: use its address, localhost or its host name"
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return f"pages of {origin[:80]!r} may not use this server"
    return None


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to an address that is listened on."""
    return ipaddress.ip_address(host).is_loopback if _is_address(host) else host.lower() == "localhost"


def _is_ours(host: str, names: set[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
