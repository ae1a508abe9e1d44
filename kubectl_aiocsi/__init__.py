"""``kubectl aiocsi``: says what is wrong with a volume or with the driver; it only reads."""
