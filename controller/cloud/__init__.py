"""What the controller asks of a cloud, and the one cloud that answers today."""
