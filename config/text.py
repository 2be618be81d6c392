"""Text files that people write by hand, as the editors of Windows, macOS and Linux save them."""

import codecs

# In this order: UTF-32's mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_text(data: bytes) -> str:
    """Return text in UTF-8 or UTF-16, with or without byte order mark, its lines ended by a line feed.

    Raises ValueError for any other encoding, with the line, the byte, and how to save the file.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None) or _encoding_without_mark(data)
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, byte = data.count(b"\n", 0, error.start) + 1, data[error.start]
        raise ValueError(
            f"it is not saved as UTF-8: line {line} holds the byte 0x{byte:02x}; "
            "save it as plain text with the encoding UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding_without_mark(data: bytes) -> str:
    """Return UTF-16 if every other byte is mostly 0, as in Latin letters, else UTF-8."""
    half = len(data) // 2
    if half and data[1::2].count(0) > half // 2:
        return "utf-16-le"
    return "utf-16-be" if half and data[::2].count(0) > half // 2 else "utf-8"
