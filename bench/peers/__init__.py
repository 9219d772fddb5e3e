"""What somebody might take instead of footfall, measured beside it.

Each peer keeps the same events under the same promises: an id is stored once, a page
follows its events by time, and an answer to a send means that it is synced. None of
them checks a token, validates an event, or tells a conflict from a duplicate.
"""
