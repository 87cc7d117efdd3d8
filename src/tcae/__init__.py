"""TCAE: from talking-face video to facial-action representations."""

__version__ = "0.1.0"
