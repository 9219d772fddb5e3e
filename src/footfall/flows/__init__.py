"""The verbs: what footfall does, one module each. No HTTP and no SQL here."""
