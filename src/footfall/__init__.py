"""footfall: a self-hosted platform for the events of a business's guests."""

__version__ = "0.1.0"
