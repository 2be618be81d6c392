"""Who may change something through the dashboard.

Where only this machine can connect, every caller may. Otherwise a call needs the token that the follower prints.
"""

import hmac
import secrets

import flask

from sim_bridge.access import is_loopback

TOKEN = "DASHBOARD_TOKEN"  # key of the token in the application's configuration


def make_token(host: str) -> str | None:
    """Return a new token for a server that listens on `host`; None where only this machine can connect."""
    return None if is_loopback(host) else secrets.token_urlsafe(16)


def is_authorised() -> bool:
    """Return whether the caller of the current request may change something."""
    token = flask.current_app.config[TOKEN]
    given = flask.request.headers.get("Authorization", "")
    return token is None or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
