"""How fast the driver is, against what the cloud itself takes: in virtual time, the same on every machine."""
