"""Which codecs the in-process reader can decode here."""

from importlib.metadata import version

CODECS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg")
"""What clips of talking faces come in."""


def decodable() -> list[str]:
    """Those of ``CODECS`` for which PyAV has a decoder."""
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    found = []
    for name in CODECS:
        try:
            Codec(name, "r")
        except UnknownCodecError:
            continue
        found.append(name)
    return found


def pyav_version() -> str:
    """PyAV's version and that of the libavcodec that it brings."""
    from av import library_versions

    libavcodec = ".".join(str(part) for part in library_versions["libavcodec"])
    return f"PyAV {version('av')} with libavcodec {libavcodec}"
