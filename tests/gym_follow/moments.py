"""Moments of flights that are counted by hand."""

from gym_follow.log import Moment

HZ = 5


def moment(time, distance=4.0, error=0.5, bearing=0.0, **changes):
    """A good moment: the target is in view straight ahead, followed, reported `error` metres off.

    The quad looks along x, at the target's height, `distance` metres away.
    """
    target = (10.0, 0.0, 1.0)
    reported = (10.0 + error, 0.0, 1.0)
    values = {
        "time": time,
        "quad": (10.0 - distance, 0.0, 1.0),
        "camera_yaw": -bearing,
        "target": target,
        "target_pixels": 500,
        "line_of_sight": True,
        "reported": reported,
        "target_when_reported": target,
        "followed": reported,
        "nearest_is_target": True,
        "reported_lost": False,
        "collisions": 0,
    }
    return Moment(**(values | changes))


NOTHING = {"reported": None, "target_when_reported": None, "followed": None, "nearest_is_target": False}
WRONG = {"reported": (20.0, 0.0, 1.0), "followed": (20.0, 0.0, 1.0), "nearest_is_target": False}


def searching(time, distance=30.0, **changes):
    return moment(time, distance, **(NOTHING | {"target_pixels": 0, "line_of_sight": False} | changes))


def flight(*parts):
    """A flight of parts (count, function, keyword arguments), 5 moments a second."""
    kinds = [(make, values) for count, make, values in parts for _ in range(count)]
    return [make(number / HZ, **values) for number, (make, values) in enumerate(kinds)]
