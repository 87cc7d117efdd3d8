"""Check a workspace against itself: tables, files and splits."""
