"""What the warden concludes, decided without I/O."""
