"""Pictures as they would be without haze and in better light, for the network; the agent sees them as they are."""
