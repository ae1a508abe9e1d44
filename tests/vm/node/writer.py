"""A pod's program, run in a guest on a bare Python: writes numbered records to a file, and checks what is there.

``writer.py FILE COUNT`` first reads the file: every record must be whole and follow the one before; only a torn end is
allowed, and cut off. It prints ``holds N``, appends COUNT records (-1: without end), and prints the number of each once
it is synced. Exit status: 0 done, 1 the file is damaged; an error of the file system ends it with a traceback.
"""

import hashlib
import os
import sys

RECORD_BYTES = 4096


def record(number: int) -> bytes:
    """Return a record: its number, and bytes that only this number has."""
    head = f"{number:015d} ".encode()
    return head + hashlib.shake_128(head).digest(RECORD_BYTES - len(head))


def held(file: int) -> int:
    """Return how many records the file holds. Raises ValueError if one is not what was written."""
    whole = os.fstat(file).st_size // RECORD_BYTES
    for number in range(whole):
        found = os.pread(file, RECORD_BYTES, number * RECORD_BYTES)
        if found == record(number):
            continue
        rest = os.pread(file, (whole - number) * RECORD_BYTES, number * RECORD_BYTES)
        if rest.strip(b"\0"):
            raise ValueError(f"record {number} of {whole} is damaged: {found[:32]!r}")
        return number
    return whole


def main(path: str, count: int) -> int:
    """Return the exit status."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        number = held(file)
    except ValueError as error:
        print(error)
        return 1
    os.ftruncate(file, number * RECORD_BYTES)
    print("holds", number, flush=True)
    last = number + count
    while number != last:
        os.pwrite(file, record(number), number * RECORD_BYTES)
        os.fdatasync(file)
        number += 1
        print(number, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
