"""Who may use the API, and how often: tenants, tokens, source secrets, rates."""
