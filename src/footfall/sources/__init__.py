"""Sources: turn the bytes of vendors' equipment into observations and logins.

One pure module per vendor: `verify` tells whether the sender of a post has the secret,
`decode` turns its bytes into observations and logins. Items that cannot be understood
are returned as they came, never dropped.
"""
