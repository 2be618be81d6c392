"""Plays a recording back through the bridge."""
