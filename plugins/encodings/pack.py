"""
Pack the ranks that OpenAI publishes for tiktoken into ``gateway_encodings/data``.

The files are taken out of a published wheel and told by their SHA-256, which is the one that
tiktoken itself expects of a download; so it does not matter whose wheel it is:

    pip download --no-deps --only-binary :all: litellm==1.106.2
    python plugins/encodings/pack.py litellm-1.106.2-*.whl

A published file has a line for each token, in base64, and its rank, which is the number of the
line.  What is packed is a byte that says how long a token is, and the token, in the order of
ranks; xz makes 3.6 MB into 0.8.
"""

from __future__ import annotations

import base64
import hashlib
import lzma
import sys
import zipfile
from pathlib import Path

#: SHA-256 of the published files, as tiktoken's ``openai_public`` has them.
PUBLISHED = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
DATA = Path(__file__).parent / "gateway_encodings" / "data"


def published(wheel: Path) -> dict[str, bytes]:
    """
    Find the published files in *wheel*.

    Raises:
        SystemExit: if one of them is not there.
    """
    names = {digest: name for name, digest in PUBLISHED.items()}
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if 1 << 20 <= entry.file_size <= 1 << 23:
                content = archive.read(entry)
                name = names.get(hashlib.sha256(content).hexdigest())
                if name is not None:
                    found[name] = content
    if found.keys() != PUBLISHED.keys():
        raise SystemExit(f"{wheel} lacks {sorted(PUBLISHED.keys() - found.keys())}")
    return found


def expanded(content: bytes) -> bytes:
    """
    Write a published file as length-prefixed tokens.

    Raises:
        ValueError: if its ranks are not the numbers of its lines, or a token is too long.
    """
    out = bytearray()
    for number, line in enumerate(content.splitlines()):
        word, rank = line.split()
        token = base64.b64decode(word, validate=True)
        if int(rank) != number:
            raise ValueError(f"line {number} has rank {int(rank)}")
        out += bytes((len(token),)) + token
    return bytes(out)


def main() -> None:
    """
    Pack every encoding, and say the sums that ``ranks.py`` must name.
    """
    (wheel,) = sys.argv[1:]
    DATA.mkdir(exist_ok=True)
    for name, content in sorted(published(Path(wheel)).items()):
        plain = expanded(content)
        packed = lzma.compress(plain, preset=9 | lzma.PRESET_EXTREME)
        (DATA / f"{name}.xz").write_bytes(packed)
        sum_ = hashlib.sha256(plain).hexdigest()
        sys.stdout.write(f"{name} {len(packed)} bytes, expanded {sum_}\n")


if __name__ == "__main__":
    main()
