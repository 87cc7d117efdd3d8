"""TCAE: from talking-face video to facial-action representations."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "load_encoder"]

if TYPE_CHECKING:
    from tcae.model.encoders.face_encoder import load_encoder
else:

    def __getattr__(name: str) -> Any:
        """Import torch only where a trained encoder is asked for."""
        if name == "load_encoder":
            from tcae.model.encoders.face_encoder import load_encoder

            return load_encoder
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
