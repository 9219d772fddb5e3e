"""Events in and out: receive, import and read them."""
