"""The method: encoders, decoders and the trainer."""

if __name__ != "tcae.model":
    raise ImportError(f"import tcae.model, not {__name__}: the folder is linked into src/tcae")
