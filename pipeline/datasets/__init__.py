"""Readers of labelled sets, one module per set; behind the door ``pipeline/labels.py``."""
