"""The agent: from frames and class probabilities to decisions. Pure: no sockets, files, threads or clock."""
