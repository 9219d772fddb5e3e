"""Who may come in: tenants, tokens, sources' secrets, and how often."""
