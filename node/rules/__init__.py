"""The node's decisions: pure functions from records to records, without I/O, clock or log."""
