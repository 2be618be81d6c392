"""Replay recordings to the bridge, and check that it decides the same."""
