"""The world as plain data: city, obstacles, people. Draws nothing."""
