"""The Socket.IO client and its messages."""
