"""Talking to a simulator: the wire, the sessions, the recordings and the page."""
