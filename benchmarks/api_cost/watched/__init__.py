"""The controller with a watch on its event loop."""
