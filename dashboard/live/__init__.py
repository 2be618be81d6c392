"""The live page: display and controls of the flight."""
