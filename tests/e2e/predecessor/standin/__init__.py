"""A stand-in for csi-digitalocean: it makes, attaches and mounts volumes as that does, so a take-over can be played.

These tests need nothing that cannot be built from modules, and the real one cannot. What matters to a successor is
restated here from what its project publishes: handle and contexts of its volumes (no size, no attributes), what it
runs on the host (blkid, mkfs, mount by the link in /dev/disk/by-id, bind mounts; for a block volume nothing until it
is published), that it keeps no state there, and the places of its sockets. Lists, statistics and health are left out.

``python3 -m standin.controller`` or ``standin.node``, in a pod of aiocsi's image: that has the protocol and mkfs.
Sources: the manifests and the documentation of csi-digitalocean 4.14 to 4.16; CSI 1.13.
"""
