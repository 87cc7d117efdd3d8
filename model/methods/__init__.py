"""One file for each method; what the trainer asks of them is ``method.py``."""
