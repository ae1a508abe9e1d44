"""What the cloud knows, in one SQLite file: rows in, records out; no rule of the cloud is here."""
