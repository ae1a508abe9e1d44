"""Whether a LUKS header may be given to a program that obeys it.

Whoever can write the disk can write the header: a cipher that encrypts nothing, a key slot that any passphrase opens, a
derivation that takes all memory. So nothing in it is obeyed that the class could not have asked for.

Sources: CVE-2025-59054 (null ciphers); LUKS2 On-Disk Format Specification 1.1.1, 3; cryptsetup(8).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from common.encryption import (
    ARGON2,
    ARGON2_ITERATIONS,
    CIPHERS,
    MEMORY_KIB,
    PBKDF2,
    PBKDF2_ITERATIONS,
    SECTORS,
    Encryption,
)
from node.records.luks import Digest, Header, KeySlot, Segment

SLOTS = 32
COPIES_BYTES = 32 << 10  # of the header; the key slots lie between them and what is encrypted
_STRIPES = 4000  # into which a key is split, so that it can be destroyed
_SALT_BYTES = range(16, 65)
_BLOCK = 4096
_HASHES = frozenset({"sha256", "sha512"})
_DIGEST_ITERATIONS = 10_000_000
_ARGON2_THREADS = 4
_DISCARDS = "allow-discards"
_OF_SPEED = frozenset({"same-cpu-crypt", "submit-from-crypt-cpus", "no-read-workqueue", "no-write-workqueue"})


def problem(header: Header, asked: Encryption | None, disk_bytes: int, *, copied: bool) -> str:
    """Say what in a header is not as it may be; empty if all is.

    ``asked``: the class; None: it is not known, and what any class may ask for is right. A volume that was copied has
    the cipher of its origin's class.
    """
    found = _problem(header, asked, disk_bytes, copied=copied)
    if not found and (older := header.older) is not None and (older.slots or older.malformed):
        found = _problem(older, asked, disk_bytes, copied=copied)  # cryptsetup takes it if it rejects the newer one
        return found and f"its older copy is not as it may be: {found}"
    return found


def _problem(header: Header, asked: Encryption | None, disk_bytes: int, *, copied: bool) -> str:
    if header.malformed:
        return f"it is malformed: {header.malformed}"
    exact = None if copied else asked
    return next(
        (
            text
            for texts in (
                _of_segments(header.segments, exact, disk_bytes),
                _of_slots(header, exact),
                _of_costs(header.slots, asked),
                _of_digests(header.digests),
                _of_others(header, asked),
            )
            for text in texts
        ),
        "",
    )


def _of_segments(segments: Sequence[Segment], exact: Encryption | None, disk_bytes: int) -> Iterator[str]:
    if len(segments) != 1 or segments[0].kind != "crypt":
        yield "it has other segments than one that is encrypted"
    else:
        yield from _of_segment(segments[0], exact, disk_bytes)


def _of_segment(found: Segment, exact: Encryption | None, disk_bytes: int) -> Iterator[str]:
    if found.cipher not in CIPHERS or (exact is not None and found.cipher != exact.cipher):
        yield f"its cipher is {found.cipher!r}, not {exact.cipher if exact else 'one of a class'}"
    if str(found.sector_bytes) not in SECTORS or (exact is not None and found.sector_bytes != exact.sector_bytes):
        yield f"its sectors have {found.sector_bytes} bytes, not {exact.sector_bytes if exact else 'those of a class'}"
    if found.size or found.iv_offset or found.at % _BLOCK or not COPIES_BYTES < found.at < disk_bytes:
        yield f"its segment lies at {found.at}, with size {found.size} and offset {found.iv_offset}"


def _of_slots(header: Header, exact: Encryption | None) -> Iterator[str]:
    if len(header.slots) > SLOTS:
        yield f"it has {len(header.slots)} key slots"
    for slot in header.slots:
        if slot.key_bits not in CIPHERS[header.segments[0].cipher] or (exact and slot.key_bits != exact.key_bits):
            yield f"a key slot holds a key of {slot.key_bits} bits, not {exact.key_bits if exact else 'of a class'}"
        if slot.cipher_key_bits not in CIPHERS.get(slot.cipher, ()):
            yield f"a key slot is encrypted with {slot.cipher!r} and a key of {slot.cipher_key_bits} bits"
        least = slot.stripes * slot.key_bits // 8
        if slot.stripes != _STRIPES or slot.split_hash not in _HASHES or not least <= slot.size < least + _BLOCK:
            yield f"a key slot is split into {slot.stripes} stripes by {slot.split_hash!r}, in {slot.size} bytes"
    places = [(slot.at, slot.at + slot.size) for slot in header.slots]
    bounds = [(0, COPIES_BYTES), *sorted(places), (header.payload_at, header.payload_at)]
    if any(end > start for (_, end), (start, _) in pairwise(bounds)):
        yield "its key slots overlap each other, or what they lie beside"


def _of_costs(slots: Sequence[KeySlot], asked: Encryption | None) -> Iterator[str]:
    """With a wrong passphrase all slots are tried: together they may cost what a full header of the class costs."""
    memory = MEMORY_KIB[2] if asked is None else max(asked.memory_kib, MEMORY_KIB[0])
    for slot in slots:
        yield from _of_derivation(slot, memory)
    argon2 = [slot.memory_kib * slot.iterations for slot in slots if slot.pbkdf in ARGON2]
    passes = ARGON2_ITERATIONS[0] if asked is None or asked.pbkdf == PBKDF2 else asked.iterations
    if sum(argon2) > SLOTS * memory * passes:
        yield f"its key slots cost {sum(argon2)} KiB of argon2 together, more than {SLOTS * memory * passes}"
    pbkdf2 = sum(slot.iterations for slot in slots if slot.pbkdf == PBKDF2)
    usual, _, largest = PBKDF2_ITERATIONS
    each = max(usual, asked.iterations) if asked and asked.pbkdf == PBKDF2 else usual
    if pbkdf2 > (most := SLOTS * each if asked else largest):
        yield f"its key slots cost {pbkdf2} passes of pbkdf2 together, more than {most}"


def _of_derivation(slot: KeySlot, memory: int) -> Iterator[str]:
    if slot.pbkdf == PBKDF2:
        fits = slot.pbkdf_hash in _HASHES and PBKDF2_ITERATIONS[1] <= slot.iterations <= PBKDF2_ITERATIONS[2]
    else:
        fits = (
            slot.pbkdf in ARGON2
            and MEMORY_KIB[1] <= slot.memory_kib <= memory
            and ARGON2_ITERATIONS[1] <= slot.iterations <= ARGON2_ITERATIONS[2]
            and 1 <= slot.threads <= _ARGON2_THREADS
        )
    if not fits or slot.salt_bytes not in _SALT_BYTES:
        yield (
            f"a key slot derives its key by {slot.pbkdf!r} with {slot.memory_kib} KiB, {slot.iterations} passes and "
            f"{slot.threads} threads; at most {memory} KiB are allowed"
        )


def _of_digests(digests: Sequence[Digest]) -> Iterator[str]:
    if len(digests) != 1:
        yield f"it has {len(digests)} digests of its key"
    else:
        yield from _of_digest(digests[0])


def _of_digest(found: Digest) -> Iterator[str]:
    if (found.kind, found.segments) != (PBKDF2, ("0",)) or found.hash not in _HASHES:
        yield f"the digest of its key is {found.kind!r} by {found.hash!r}, of segments {found.segments}"
    if found.salt_bytes not in _SALT_BYTES or not PBKDF2_ITERATIONS[1] <= found.iterations <= _DIGEST_ITERATIONS:
        yield f"the digest of its key takes {found.iterations} passes"


def _of_others(header: Header, asked: Encryption | None) -> Iterator[str]:
    allowed = _OF_SPEED | ({_DISCARDS} if asked is None or asked.discards else set())
    if odd := sorted(set(header.flags) - allowed):
        yield f"it sets {odd[0]!r}, which its class does not"
    if header.requires:
        yield f"it asks for {header.requires[0]!r}"
    if header.tokens:
        yield f"it has a token of kind {header.tokens[0]!r}"
