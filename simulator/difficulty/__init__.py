"""Difficulty levels: what makes a flight harder than one in the plain city. Draws nothing and moves nothing itself."""
