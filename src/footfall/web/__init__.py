"""HTTP and nothing else: routes, decoding, the guard, problems."""
