"""Rendered talking heads whose facial actions and pose are known exactly."""
