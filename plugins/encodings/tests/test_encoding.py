"""
Counting, offline.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import tiktoken

from gateway_encodings import PackedEncoding, encoding
from gateway_encodings.encoding import PIECE_CHARACTERS, pieces_of
from gateway_encodings.ranks import NAMES, read_ranks


@pytest.fixture(name="loaded", scope="module", params=NAMES)
def _loaded(request):
    made = PackedEncoding(request.param)
    made.load()
    return made


@pytest.fixture(name="no_network")
def _no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("somebody opens a socket")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


def written(seed: int, words: int) -> str:
    """
    Invent text with everything in it that cutting could get wrong.
    """
    made = random.Random(seed)
    parts = (
        "don't",
        "  two",
        "x" * made.randint(1, 40),
        "\r\n",
        "\n \n",
        "中文字",
        "naïve",
        "🙂",
        "12345678",
        "(){};",
        "\u3000",
        "שלום",
        "\ud83d",
        "<|endoftext|>",
        "e\u0301",
    )
    return "".join(made.choice(parts) + " " * made.randint(0, 2) for _ in range(words))


def test_loads_and_counts_without_a_network(no_network):
    """
    Neither loading nor counting opens a socket.
    """
    made = PackedEncoding("cl100k_base")

    assert made.count("tiktoken is great!") == 6


def test_knows_its_names():
    """
    Another encoding is refused by name, before anything is read.
    """
    with pytest.raises(ValueError, match=r"no encoding 'p50k_base': there are o200k"):
        PackedEncoding("p50k_base")


def test_is_what_tiktoken_makes(loaded):
    """
    The tokens of a known text are the known ones.
    """
    known = {
        "cl100k_base": [83, 1609, 5963, 374, 2294, 0],
        "o200k_base": [83, 8251, 2488, 382, 2212, 0],
    }

    tokens = loaded._loaded().encode_ordinary("tiktoken is great!")

    assert tokens == known[loaded.name]


def test_special_tokens_are_text(loaded):
    """
    A caller who writes a special token has written a few ordinary ones.
    """
    assert loaded.count("<|endoftext|>") > 3


@pytest.mark.parametrize("seed", range(8))
def test_pieces_change_no_count(loaded, seed):
    """
    Cut where no token crosses, the pieces count as much as the whole.
    """
    text = written(seed, 12_000)

    whole = len(loaded._loaded().encode_ordinary(text))

    assert len(list(pieces_of(text))) > 2
    assert loaded.count(text) == whole


def test_pieces_are_the_text():
    """
    Nothing is lost or doubled, and no piece is too long, with or without gaps.
    """
    for text in (written(1, 9000), "a" * 50_000, "", " " * 50_000, "ab" * 8192 + " c"):
        pieces = list(pieces_of(text))

        assert "".join(pieces) == text
        assert max(map(len, pieces), default=0) <= PIECE_CHARACTERS


@pytest.mark.parametrize("run", ["^", "a", " ", "\n", "中", "🙂", "0", "'s"])
def test_long_runs_are_counted(loaded, run):
    """
    A run that would overrun the pattern's stack, or take quadratic time, does neither.
    """
    start = time.perf_counter()

    counted = loaded.count(run * 400_000)

    assert 400_000 * len(run) / 200 < counted <= 400_000 * len(run.encode())
    assert time.perf_counter() - start < 20


def test_is_loaded_once(monkeypatch):
    """
    Threads that count at the same time wait for one of them to read the ranks.
    """
    read = []
    together = threading.Barrier(4)

    def reading(name):
        read.append(name)
        return tiktoken.Encoding(
            name,
            pat_str=r"\S+|\s+",
            mergeable_ranks={bytes((b,)): b for b in range(256)},
            special_tokens={},
        )

    monkeypatch.setattr(encoding, "_make", reading)
    made = PackedEncoding("o200k_base")

    def count(_):
        together.wait(10)
        return made.count("four")

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(count, range(4)))

    assert counts == [4, 4, 4, 4]
    assert read == ["o200k_base"]


def test_ranks_cover_every_byte(loaded):
    """
    Each byte is a token, so no text has more tokens than bytes.
    """
    ranks = read_ranks(loaded.name)

    assert all(bytes((byte,)) in ranks for byte in range(256))
