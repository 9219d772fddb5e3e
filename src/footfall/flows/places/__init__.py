"""Locations and hotspots: managed over the API, imported from CSV."""
