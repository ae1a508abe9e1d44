"""Mutations drawn by lot in what decides and what reads and writes formats: the unit tier must notice them."""
