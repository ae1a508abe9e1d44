"""The main job, played in front of you: a volume's whole life on the embedded cloud, two nodes and real disks."""
