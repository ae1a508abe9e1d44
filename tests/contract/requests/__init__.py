"""One verdict of both services on one request."""
