"""Drawing with Panda3D: a city, people and a camera in; colour, depth and class images out. Moves nothing."""
