"""Class masks: this project's own, and those of other makers, whose colours or numbers mean the same classes."""
