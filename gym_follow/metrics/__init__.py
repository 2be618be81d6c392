"""Figures of flights, pure functions of their logs; docs/reference/metrics.md names their definitions."""
