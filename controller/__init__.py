"""The controller: the CSI Controller and Identity services, served from the cloud's HTTP API."""
