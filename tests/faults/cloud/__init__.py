"""A simulated cloud behind the HTTP seam of the controller."""
