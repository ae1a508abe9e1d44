"""A CSI client: ``python -m tools.csi`` calls one RPC from the shell; ``life`` asks for a whole volume's life."""
