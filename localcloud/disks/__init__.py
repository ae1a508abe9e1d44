"""The disks behind the volumes: none at all, or sparse files on loop devices."""
