"""The stand-in for QuadSim. Talks to the bridge over the wire only and imports none of its code."""
