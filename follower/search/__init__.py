"""Where the quad looks while there is no target, if the simulator can be sent there."""
