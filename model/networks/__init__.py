"""Layers and networks that methods are built of."""
