"""The connection to a follower: Socket.IO client, outgoing frames, incoming commands. Shares no code with it."""
