"""What stages hand to one another: rows, tables, errors, provenance, splits."""

if __name__ != "tcae.manifests":
    raise ImportError(f"import tcae.manifests, not {__name__}: the folder is linked into src/tcae")
