"""Decisions: plain functions from records to records, without I/O, clock or log."""
