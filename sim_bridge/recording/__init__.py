"""Recordings: written while flying, safe against crashes, readable as datasets. The commands: `__main__`."""
