"""Static parts of the city: ground, buildings, plants and sky."""
