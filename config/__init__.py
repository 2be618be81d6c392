"""What a command begins with: typed settings, checked where values come in, command lines, and interrupts."""
