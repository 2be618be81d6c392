"""Model files: found, loaded and saved, and only from trusted parts."""
