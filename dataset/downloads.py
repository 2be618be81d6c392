"""Recognise what stands in place of a file: nothing, a pointer or a page that a download left, another kind of file."""

import codecs

_KINDS = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PK", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
)


def placeholder(head: bytes) -> str | None:
    """Return what a failed download has left, to follow the file's name ("is empty"); None if it is none of these.

    `head` are the first bytes of the file, 64 or more.
    """
    if not head:
        return "is empty"
    if head.startswith(b"version https://git-lfs"):
        return "is only a Git LFS pointer; fetch the file itself with 'git lfs pull'"
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:5].lower() in (b"<!doc", b"<html"):
        return "is a web page about the file; download the file itself, on GitHub as 'raw'"
    return None


def kind_of_file(head: bytes) -> str | None:
    """Return what a file is according to its first bytes ("a GIF image"); None if that is not known."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    if head[4:8] == b"ftyp":
        return "a HEIC or AVIF image, or a film"
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((kind for signature, kind in _KINDS if head.startswith(signature)), None)
