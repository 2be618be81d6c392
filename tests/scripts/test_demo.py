"""The options of the demonstration."""

import pytest

from scripts import demo_flight


@pytest.mark.parametrize("option", [("--seed", "0"), ("--difficulty", "light")])
def test_options_of_the_city_are_not_dropped_beside_a_folder_of_images(tmp_path, capsys, option):
    with pytest.raises(SystemExit):
        demo_flight.main(["--frames", str(tmp_path), *option])
    assert "--frames streams images instead" in capsys.readouterr().err


def test_a_chosen_city_is_flown(monkeypatch, tmp_path):
    flown = []
    monkeypatch.setattr(demo_flight, "run", lambda *command, cwd: flown.append(command) or 1)
    monkeypatch.setattr(demo_flight, "RECORDINGS", tmp_path)
    assert demo_flight.main(["--seed", "0", "--difficulty", "light"]) == 1
    (command,) = flown
    assert command[command.index("--seed") + 1] == "0"
    assert command[command.index("--difficulty") + 1] == "light"
