"""From what equipment says to visits, in the order of the flow.

1. `receive`: a post, a packet or a body becomes a batch of a source (`recognise` finds
   whose a RADIUS packet is).
2. `observe`: a step of the batch is taken in, in one transaction.
3. `log_in`: a login says who it is, and whose the device is from then on.
4. `attribute`: each observation is given to a place and to a person.
5. `change_stays`: the stays change, and with them the events derived from them.
6. `close_stays`: once a second, the stays that are over become visits.

Beside them: `reattribute` gives what a device was heard of to its new owner,
`recompute` makes visits anew, `replay` takes in history, `forget` ends what is old.
"""
