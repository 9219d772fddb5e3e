"""Analytics: what happened, counted.

1. `update` reads the log of arrivals on and keeps facts of events, in blocks.
2. `report` answers questions from the blocks.
"""
