"""The list of recordings, and the player of one."""
