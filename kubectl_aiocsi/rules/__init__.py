"""What is wrong, decided from what was read: no I/O, no clock."""
