"""What the controller asks of the cloud's API, and how long it takes: against localcloud, as the sidecars call."""
