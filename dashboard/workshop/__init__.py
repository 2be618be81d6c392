"""The page on which models are trained, compared and swapped."""
