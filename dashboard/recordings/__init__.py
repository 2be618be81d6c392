"""The list of recordings, the player of one, and the correction of its labels."""
