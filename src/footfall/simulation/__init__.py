"""Simulated guests: a chain's history, devices that move, vendors' equipment."""
