"""csi-sanity, the official conformance suite, against real processes: `make sanity`."""
