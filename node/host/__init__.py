"""What the node does to its host: devices, programs, mounts, files under /proc and /sys."""
