"""The command `follower.py`: options, all settings, status lines and keys at the terminal."""
