"""From the log of arrivals to those who want events, in the order of the flow.

A live stream:

1. `watch`: the store says that a log has grown.
2. `follow`: reads the new entries once, for all streams of an organization.

A webhook (`manage` makes it, `attempts` shows what became of its messages):

1. `deliver`: runs a task for each endpoint, on the server that has the lease.
2. `endpoint`: the task; it reads, sends and writes what its outbox says.
3. `log_readers`: the outbox's positions in the log, and the messages read there.
4. `outbox`: which message is sent next, and what follows from its outcome.
5. `changes`: writes the outcome to the store, in one transaction.

Beside them: `secrets` makes, seals and opens what signs the messages.
"""
