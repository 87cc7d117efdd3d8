"""What stands behind `video.py`: two readers that choose the same frames."""
