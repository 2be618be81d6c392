"""From candidates to decisions: who they are, where they go, which of them is the target, and whether it is found."""
