"""From reports of equipment to visits, in the order of the flow.

1. `receive`: a post, a packet or a body becomes a batch of a source (`recognise` finds
   the source of a RADIUS packet).
2. `observe`: takes a step of the batch in, in one transaction.
3. `log_in`: a login names a contact, to which the device belongs from then on.
4. `attribute`: finds the place and the contact of each observation.
5. `change_stays`: changes the stays, and with them the events derived from them.
6. `close_stays`: once a second, turns the stays that are over into visits.

Beside them: `reattribute` gives a device's observations to its new owner, `recompute`
makes visits again, `replay` takes history in, `forget` deletes what is too old.
"""
