"""The connection to simulators: the wire, sessions, the inference worker, recordings and replay."""
