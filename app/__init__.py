"""What a person starts and sees at the terminal: the command, its status lines and keys, all settings."""
