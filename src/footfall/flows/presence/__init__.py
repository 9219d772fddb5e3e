"""From reports of equipment to visits, in the order of the flow.

1. `receive`: turns a post, a packet or a body into a batch of a source (`recognise`
   finds the source of a RADIUS packet).
2. `observe`: applies a step of the batch, in one transaction.
3. `log_in`: finds the contact of a login (`identify`), and gives it the device.
4. `attribute`: finds the place and the contact of each observation.
5. `change_stays`: changes the stays, and with them the events derived from them.
6. `close_stays`: once a second, turns the stays that are over into visits.

Beside them: `reattribute` gives a device's observations to its new owner, `recompute`
derives visits again, `replay` imports history, `forget` deletes old observations, and
`try_out` says what a post would be understood as, without storing anything.
"""
