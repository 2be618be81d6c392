"""`python follower.py model_weights.h5`: follow the target in QuadSim. The command itself is `app.main`."""

from app.main import run

if __name__ == "__main__":
    run()
