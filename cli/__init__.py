"""The commands, one thin file each."""

if __name__ != "tcae.cli":
    raise ImportError(f"import tcae.cli, not {__name__}: the folder is linked into src/tcae")
