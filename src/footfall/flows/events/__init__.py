"""Events in and out: sent, imported, read."""
