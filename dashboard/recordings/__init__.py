"""The page of recordings."""
