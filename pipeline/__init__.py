"""Videos in, aligned faces and pairs out."""

if __name__ != "tcae.pipeline":
    raise ImportError(f"import tcae.pipeline, not {__name__}: the folder is linked into src/tcae")
