"""
Verify a Gatewright audit log, or a proof out of one; shares no code with Gatewright.

    python verify.py PATH|URL|FILE.tlog-proof --vkey VKEY    (README.md: what this proves)

Needs Python 3.9 or later, and cryptography.  0 is OK, 1 WRONG, 2 wrong usage, 3 not reached.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import sys
import urllib.request
from base64 import b64decode, b64encode
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def need(holds, why):
    if not holds:
        raise ValueError(why)


def unbase64(text):
    content = b64decode(text, validate=True)
    need(b64encode(content).decode() == text, "base64 in another spelling")
    return content


def number(text):
    need(re.fullmatch("0|[1-9][0-9]{0,18}", text), f"not a number: {text[:30]!r}")
    return int(text)


def sha(*parts):  # b"\0" before a leaf, b"\1" before two nodes: RFC 6962 section 2.1
    return sha256(b"".join(parts)).digest()


def top(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else sha()
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\1", top(hashes[:half]), top(hashes[half:]))


def read_key(text):
    found = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+(\S+)", text)
    need(found, "a verifier key reads NAME+8 hex digits+BASE64")
    told = unbase64(found[3])
    key_id = sha(found[1].encode(), b"\n", told)[:4]
    is_one = told[:1] in (b"\1", b"\4") and len(told) == 33
    need(is_one and key_id.hex() == found[2], "not an Ed25519 key with its own id")
    return found[1], key_id, told[0], told[1:]


def signers(content, keys):  # a false signature of one of them is an error
    text, found = content[: 1 << 17].decode(), []
    note = re.fullmatch(r"((?:[^\x00-\x1f]+\n)+)\n((?:— \S+ \S+\n){1,100})", text)
    need(note, "not a signed note")
    for name, signature in re.findall(r"— (\S+) (\S+)\n", note[2]):
        raw = unbase64(signature)
        for key in [key for key in keys if key[:2] == (name, raw[:4])]:
            text, signed = note[1], raw[4:]
            if key[2] == 4:  # a witness signs the time, too
                at, signed = int.from_bytes(raw[4:12], "big"), raw[12:]
                text = f"cosignature/v1\ntime {at}\n{text}"
            Ed25519PublicKey.from_public_bytes(key[3]).verify(signed, text.encode())
            need(key not in found, "one key signed twice")
            found.append(key)
    return note[1][:-1].split("\n"), found


def checkpoint(content, origin, ranges, witnesses=()):
    (name, size, root, *_), found = signers(content, [key for _, _, key in ranges])
    need(name == origin, f"this is the log {name!r}, not {origin!r}")
    size, root = number(size), unbase64(root)
    valid = [key for first, end, key in ranges if first <= size < end]
    need(set(valid) & set(found), "no known key signed it in its range")
    need(len(signers(content, witnesses)[1]) == len(witnesses), "a witness is missing")
    return size, root


def read_ranges(content, root_key, name):
    lines, found = signers(content, [root_key])
    is_list = lines[:2] == ["gatewright-audit-keys/v1", name]
    need(found and is_list, "not a list of keys that the root key signed")
    for low, end, key in [line.split(" ") for line in lines[2:]]:
        yield number(low), 1 << 63 if end == "-" else number(end), read_key(key)


def fetch(url):
    request, token = urllib.request.Request(url), os.environ.get("GATEWRIGHT_TOKEN")
    if token:  # which no redirect carries elsewhere
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as file:
        return file.read(256 * 65537)  # a bundle of the largest entries


def tiles(place, level, size, first):  # hashes or entries; None for what is pruned
    head = 2 * (level == "entries")
    yield from [None] * (first // 256 * 256)
    for index in range(first // 256, -(-size // 256)):
        width = count = min(256, size - index * 256)
        digits = f"{index:0{-(-len(str(index)) // 3) * 3}d}"
        path = f"{place}/tile/{level}/" + re.sub(r"(\d{3})(?=\d)", r"x\1/", digits)
        try:
            content = fetch(path if width == 256 else f"{path}.p/{width}")
        except OSError:  # the full one took its place
            content, count = fetch(path), 256
        at, found = 0, []
        for _ in range(count):
            begin = at + head
            at = begin + (int.from_bytes(content[at:begin], "big") if head else 32)
            found.append(content[begin:at])
        need(at == len(content), f"{path} has another size")
        yield from found[:width]


def root_of(levels, size):
    found = []  # what is right of the full tiles of a level is its last hash
    for level, hashes in enumerate(levels):
        begin = size >> 8 * (level + 1) << 8
        found = hashes[begin : size >> 8 * level] + found
        need(None not in found, f"not enough is left of the first {size} entries")
        found = [top(found)] if found else []
    return top(found)


def verify(place, size, root, first, old):
    heights = range(-(-size.bit_length() // 8))
    levels = [list(tiles(place, at, size >> 8 * at, first >> 8 * at)) for at in heights]
    for at, entry in enumerate(tiles(place, "entries", size, first)):
        need(entry is None or sha(b"\0", entry) == levels[0][at], f"entry {at} changed")
    for level, hashes in enumerate(levels[1:]):
        for at, told in enumerate(hashes):
            below = [*levels[level][at * 256 : at * 256 + 256], told]
            need(None in below or top(below[:-1]) == told, f"tiles disagree at {at}")
    need(root_of(levels, size) == root, "the tree has another root than was signed")
    need(old[0] <= size, f"set back: {old[0]} entries were signed, {size} are there")
    need(root_of(levels, old[0]) == old[1], f"the first {old[0]} entries are others")


def verify_proof(content, origin, ranges, witnesses):
    above, _, note = content.partition(b"\n\n")
    need(re.match(rb"c2sp\.org/tlog-proof@v1\nextra .*\nindex ", above), "not a proof")
    _, extra, place, *lines = above.decode().split("\n")
    index, entry, path = number(place[6:]), unbase64(extra[6:]), [*map(unbase64, lines)]
    size, root = checkpoint(note, origin, ranges, witnesses)
    found, inner = sha(b"\0", entry), (index ^ size - 1).bit_length()
    for at, other in enumerate(path):  # RFC 9162 section 2.1.3.2
        pair = (other, found) if at >= inner or index >> at & 1 else (found, other)
        found = sha(b"\1", *pair)
    is_whole = len(path) == inner + bin(index >> inner).count("1")  # noqa: FURB161
    need(found == root and index < size and is_whole, f"this is not entry {index}")
    return f"OK: entry {index} of {size}: {entry.decode()}"


def main(arguments=None):
    parser = argparse.ArgumentParser(epilog="README.md says what the options mean")
    for option in ("place", "--origin", "--since"):
        parser.add_argument(option)
    for option in ("--vkey", "--root", "--witness"):
        parser.add_argument(option, action="append", default=[], type=read_key)
    parser.add_argument("--from", dest="first", type=int, default=0)
    told, seen = parser.parse_args(arguments), None
    path = pathlib.Path(told.place)
    is_proof = told.place.endswith(".tlog-proof") or path.is_file()
    if not told.vkey and (is_proof or not told.root):
        parser.error("whom to believe?  --vkey, or --root of a log")
    place = told.place.rstrip("/") if "://" in told.place else path.resolve().as_uri()
    try:
        old = told.since and pathlib.Path(told.since).read_bytes()
        content = fetch(place if is_proof else f"{place}/checkpoint")
        name = (told.root + told.vkey)[0][0].removesuffix("/root")
        ranges = [(0, 1 << 63, key) for key in told.vkey]
        seen = (told.origin or name, ranges, told.witness)
        if is_proof:
            return print(verify_proof(content, *seen))
        if told.root:
            ranges[:] = read_ranges(fetch(f"{place}/keys"), told.root[0], name)
        if told.witness:
            content = fetch(f"{place}/checkpoint.witnessed")
        size, root = checkpoint(content, *seen)
        old = checkpoint(old, *seen[:2]) if old else (0, top([]))
        verify(place, size, root, told.first, old)
        return print(f"OK: {size} entries of {seen[0]}, root", b64encode(root).decode())
    except (ValueError, OSError, IndexError, AttributeError, InvalidSignature) as exc:
        gone = "[Errno 2]" in str(exc) or getattr(exc, "code", 0) in (404, 410)
        if isinstance(exc, OSError) and not (seen and gone):
            parser.exit(3, f"NOT REACHED: {getattr(exc, 'url', place)}: {exc}\n")
        sys.exit(f"WRONG: {exc or 'a signature does not hold'}")


if __name__ == "__main__":
    main()
