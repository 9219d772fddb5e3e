"""What runs: the HTTP server, the RADIUS listener, the periodic jobs, the keys."""
