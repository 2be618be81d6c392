"""The built-in simulator, in place of QuadSim. Talks to the bridge over the wire only; imports only `config`."""
