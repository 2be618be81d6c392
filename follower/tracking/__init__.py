"""Tracking: association, filter, evidence over time, and the choice of the target."""
