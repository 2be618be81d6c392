"""What to do with what the camera sees: pure functions and plain data, no sockets, files, threads or clock."""
