"""What a frozen encoder knows: rooms behind the door ``model/probe.py``."""
