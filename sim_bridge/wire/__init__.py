"""The wire: messages and the two Socket.IO dialects."""
