"""The reference of settings is what the annotated files and the types say today, and lists every setting."""

from app.settings import Settings
from config.reader import setting_names
from model.settings import TrainSettings
from scripts import settings_reference


def test_the_page_is_up_to_date():
    assert settings_reference.PAGE.read_text(encoding="utf-8") == settings_reference.page(), (
        "run: python -m scripts.settings_reference"
    )


def test_it_lists_every_setting():
    for name, kind, _ in settings_reference.FILES:
        text = (settings_reference.ROOT / name).read_text(encoding="utf-8")
        listed = {f"{section}.{key}".lstrip(".") for section, key, _, _ in settings_reference.annotated(text)}
        assert listed == set(setting_names(kind))
    assert {kind for _, kind, _ in settings_reference.FILES} == {Settings, TrainSettings}


def test_comments_go_on_over_lines():
    text = 'a = 1  # first\n       # and second\n[part]\nb = "x"  # third\n'
    assert list(settings_reference.annotated(text)) == [
        ("", "a", "1", "first and second"),
        ("part", "b", '"x"', "third"),
    ]
