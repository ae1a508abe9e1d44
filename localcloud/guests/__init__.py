"""Droplets as virtual machines: QEMU guests with real SCSI volumes, told what to do by QMP and by an agent inside.

    guest = Guest(folder, Image(image_folder), Machine(driver=driver_image))
    async with guest:                       # whatever happens inside, nothing is left of it
        await guest.boot()                  # 7 s; or: await guest.restore(state), 1 s
        await guest.drives.attach(Drive("pvc-1", Path("disk.img")))
        await guest.agent.run("mkfs.ext4", "-q", "/dev/disk/by-id/scsi-0DO_Volume_pvc-1")

``guest`` starts, saves, restores and ends it; ``drives`` are its volumes, and what can go wrong with them; ``agent``
runs programs in it. The images come from ``python -m tools.guest``. Always emulated, so that it runs everywhere alike.
"""
