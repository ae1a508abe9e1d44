"""The node service, one on every host: it finds, proves, formats, mounts and watches the volumes of its pods."""
