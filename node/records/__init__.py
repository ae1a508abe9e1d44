"""What the node is asked for, what it finds and what it remembers, as frozen records."""
