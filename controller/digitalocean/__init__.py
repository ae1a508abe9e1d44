"""DigitalOcean Volumes: the one package of the controller that knows this vendor."""
