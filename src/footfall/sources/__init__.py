"""Sources: what vendors' equipment says, as observations and logins.

One module a vendor, each pure: `verify` tells whether a post is from who has the
secret, `decode` turns its bytes into what was heard. What cannot be understood is
given back as it came, never dropped.
"""
