"""Recordings on the disk: written safely against crashes, read back, recovered, summarised."""
