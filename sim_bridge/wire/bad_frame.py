"""What is raised to refuse a frame or another event."""


class BadFrame(ValueError):
    """Reason to refuse a frame or another event; `kind` is a short slug to count and rate-limit by."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def type_name(value: object) -> str:
    """Return the name of a JSON type, for reasons."""
    names = {dict: "an object", list: "a list", str: "a string", bytes: "binary data", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")
