"""Delivery: events to those who want them as they arrive."""
