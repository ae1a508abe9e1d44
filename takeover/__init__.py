"""Exchanges csi-digitalocean for aiocsi, and back: ``aiocsi-takeover plan``, ``apply``, ``back``."""
