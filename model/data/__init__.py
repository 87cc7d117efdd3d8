"""Pairs of faces, from the index to the device."""
