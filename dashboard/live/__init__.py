"""The page of the flight: what it shows and what an operator can ask for."""
