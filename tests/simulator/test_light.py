"""Light and weather: they change the picture as they should, and nothing else."""

import dataclasses

import numpy as np
import pytest

from simulator.difficulty.levels import LEVELS
from simulator.rendering.renderer import Renderer
from simulator.types import Image, Person, Pose, Rendered
from simulator.world.lights import DUSK, FOG, LIGHTS, LOW_SUN, NIGHT, RAIN, make_light

pytestmark = pytest.mark.slow

SEED = 6


@pytest.fixture(scope="module")
def views() -> dict[str, list[Rendered]]:
    """One scene, without the target and with it, in each light; then later."""
    city = LEVELS["plain"].city(SEED)
    x, y, z = city.patrol_points[0]
    camera = Pose(x, y, z, 0.0, 0.5, 0.0)
    target = Person(0, True, x + 1.6 * z, y, float(city.ground_height(x + 1.6 * z, y)), 0.0, 1.0, 0.0, 0)
    result = {}
    for name in ("day", *LIGHTS):
        light = city.light if name == "day" else make_light(name, SEED)
        renderer = Renderer(dataclasses.replace(city, light=light))
        result[name] = [renderer.render(camera, ()), *(renderer.render(camera, (target,), time) for time in (0.0, 0.2))]
        again = renderer.render(camera, (target,), 0.2)
        assert np.array_equal(again.rgb, result[name][2].rgb)
        renderer.close()
    return result


def brightness(picture: Image) -> float:
    return float(picture.mean())


def test_depth_and_classes_are_those_of_the_day(views):
    assert (views["day"][1].mask[..., 2] > 0).sum() > 50
    for name, (_, view, _) in views.items():
        difference = np.abs(view.depth.astype(int) - views["day"][1].depth)
        assert difference.max() <= 2, name  # lit panes stand out by 4 cm
        assert np.mean(difference > 0) < 0.02, name
        assert np.array_equal(view.mask, views["day"][1].mask), name


def test_night_is_darker_than_dusk_and_dusk_than_the_day(views):
    night, dusk, day = (brightness(views[name][0].rgb) for name in (NIGHT, DUSK, "day"))
    assert night < 0.8 * dusk < dusk < 0.7 * day


def test_fog_hides_what_is_far_and_not_what_is_near(views):
    day, fog = views["day"][1], views[FOG][1]

    def contrast(view: Rendered, low: int, high: int) -> float:
        return float(view.rgb[(day.depth >= low) & (day.depth < high)].std())

    near, far = np.quantile(day.depth[day.depth < 255], (0.2, 0.9)).astype(int).tolist()
    assert near < 60
    assert far > 110
    assert contrast(fog, far, 255) < 0.25 * contrast(day, far, 255)
    assert contrast(fog, 0, near) > 0.2 * contrast(day, 0, near)


def test_rain_falls_and_grain_changes_but_the_dry_day_stands_still(views):
    moved = {name: np.mean(first.rgb != second.rgb) for name, (_, first, second) in views.items()}
    assert moved["day"] == moved[FOG] == moved[LOW_SUN] == 0
    assert min(moved[RAIN], moved[NIGHT], moved[DUSK]) > 0.1


def test_a_low_sun_is_warm_and_its_shade_blue(views):
    city = LEVELS["plain"].city(SEED)
    light = make_light(LOW_SUN, SEED)
    for fraction, is_warm in ((1.0, True), (0.0, False)):
        red, _, blue = light.sun * fraction * np.array(light.sun_color) + light.ambient * np.array(light.sky_color)
        assert (red > 1.3 * blue) == is_warm
    assert light.direction[2] < 0.45 < city.light.direction[2]


def test_people_cast_long_shadows_under_a_low_sun_only():
    road = [surface for surface in LEVELS["plain"].city(SEED).surfaces if surface.kind == "road"]
    bare = dataclasses.replace(LEVELS["plain"].city(SEED), boxes=(), surfaces=tuple(road), blocks=((500, 0, 501, 1),))
    target = Person(0, True, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0)
    above = Pose(0.0, 0.0, 14.0, 0.0, np.pi / 2 - 1e-6, 0.0)  # rows: -x, columns: -y
    dark = {}
    for name, light in (("day", bare.light), (LOW_SUN, make_light(LOW_SUN, SEED))):
        renderer = Renderer(dataclasses.replace(bare, light=light))
        without, with_target = (renderer.render(above, people) for people in ((), (target,)))
        changed = (with_target.rgb.astype(int) - without.rgb).sum(axis=2) < -20
        dark[name] = changed & (with_target.mask[..., 2] == 0)
        renderer.close()
    assert not dark["day"].any()
    rows, columns = np.nonzero(dark[LOW_SUN])
    sun = make_light(LOW_SUN, SEED).direction
    middle = np.array([127.5 - rows.mean(), 127.5 - columns.mean()])  # x and y, in pixels
    assert middle @ sun[:2] < -0.95 * np.linalg.norm(middle) * np.linalg.norm(sun[:2])  # away from the sun
    length = np.hypot(rows - 127.5, columns - 127.5).max() / (221.7 / 14)
    assert length == pytest.approx(1.74 / sun[2] * np.hypot(sun[0], sun[1]), rel=0.15)


def test_the_lights_take_turns():
    level = LEVELS["light"]
    lights = [level.city(seed).light for seed in range(5)]
    assert len({(light.lamps, light.rain, light.haze, round(light.grain)) for light in lights}) == 5
    assert level.city(7).light == make_light(LIGHTS[2], 7)
