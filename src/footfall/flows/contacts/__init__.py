"""People as the API sees them: made, changed, erased."""
