"""Labels of recordings that are looked at again: which ones are worth it, and how they are replaced and restored."""
