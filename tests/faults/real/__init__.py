"""Real runs: the three processes on loop devices, killed while volumes move between nodes and are written to."""
