"""Events: their shape, how they are checked, and what footfall fills in.

An *event* is one fact about one contact at one time, immutable once stored. It is kept
as the JSON that was sent.

`acceptance` is the way in: it decodes an event, checks it and completes it.
"""
