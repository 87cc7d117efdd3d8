"""What source trees look like: walking, names, layouts, track files and numbers; `sources.py` is the door."""
