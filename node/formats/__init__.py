"""Readers of what disks and the kernel say, and the arguments of programs: no I/O, no clock."""
