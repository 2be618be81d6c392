"""Recordings on disk: written so that they survive crashes, read back, recovered, summarised."""
