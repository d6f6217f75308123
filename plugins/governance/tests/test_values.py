from __future__ import annotations

import random
import re
import string

import pytest

from gateway_governance.entities import KeyValue
from gateway_governance.values import Mint, new_value

KEY = b"k" * 32
BIFROST = "sk-bf-0a1b2c3d-0000-4000-8000-0123456789ab"


def hostile(count: int) -> list[str]:
    """
    Make *count* texts that are no keys, each of another kind of malice than the last.
    """
    rng = random.Random(20261121)
    pieces = [
        "' OR 1=1 --",
        '"; DROP TABLE governance_entities; --',
        "\x00",
        "\udcff",
        "\ud800",
        "é",
        "\u202e",
        "🔑",
        "\r\nx-gw-key: other",
        "${jndi:ldap://x}",
        "%00",
        "../../etc/passwd",
        "sk-gw-",
        "\t",
        "a" * 600,
    ]
    texts = [
        "",
        " ",
        "sk-gw-",
        "sk-gw-" + "A" * 42,
        "x" * 1_000_000,
        "sk-gw-" * 200_000,
    ]
    while len(texts) < count:
        glue = "".join(rng.choices(string.printable, k=rng.randrange(12)))
        text = glue + rng.choice(pieces) * rng.randrange(1, 4) + glue
        # Of those some are what a customer may have chosen; here they are broken.
        texts.append(text if rng.random() < 0.5 else new_value()[:-1] + text)
    return texts


class TestOwn:
    def test_a_value_says_what_it_is(self):
        """
        One of ours is a prefix and 42 letters and digits, which one double click selects.
        """
        value, known = Mint(KEY).make()

        assert re.fullmatch(r"sk-gw-[0-9A-Za-z]{42}", value)
        assert known.lookup == value[6:16]
        assert known.hint == value[-4:]

    def test_is_known_again(self):
        """
        What was kept of a value matches that value and no other.
        """
        mint = Mint(KEY)
        value, known = mint.make()
        other, _ = mint.make()

        assert mint.lookup_of(value) == known.lookup
        assert mint.matches(value, known)
        assert not mint.matches(other, known)

    def test_no_two_are_the_same(self):
        """
        Values are random.
        """
        made = {new_value() for _ in range(1_000)}

        assert len(made) == 1_000

    def test_every_typing_error_shows_itself(self):
        """
        A value with one character changed, or two exchanged, is none.
        """
        value = new_value()
        rng = random.Random(1)
        mint = Mint(KEY)
        wrong = set()
        for place in range(6, len(value)):
            letter = rng.choice(string.ascii_letters + string.digits)
            wrong.add(value[:place] + letter + value[place + 1 :])
        for place in range(6, len(value) - 1):
            pair = value[place + 1] + value[place]
            wrong.add(value[:place] + pair + value[place + 2 :])

        wrong.discard(value)

        assert [mint.lookup_of(text) for text in wrong] == [None] * len(wrong)

    def test_what_is_kept_shows_nothing(self):
        """
        Neither the value nor its hash is in what a log would write of it.
        """
        value, known = Mint(KEY).make()

        assert value[16:] not in repr(known)
        assert known.digest.hex() not in repr(known)
        assert repr(known.digest) not in repr(known)


class TestForeign:
    @pytest.mark.parametrize(
        "value",
        [
            BIFROST,
            "x" * 16,
            "y" * 512,
            "correct horse battery staple",
            "!#$%&'()*+,-./:;",
        ],
        ids=["bifrost", "shortest", "longest", "blanks", "signs"],
    )
    def test_is_taken_for_a_migration(self, value):
        """
        A value that somebody else chose is found by a keyed hash, and matches.
        """
        mint = Mint(KEY)

        known = mint.of(value)

        assert known.lookup == mint.lookup_of(value)
        assert known.lookup.startswith("~")
        assert known.hint == ""
        assert mint.matches(value, known)

    def test_an_id_of_ours_is_never_one_of_theirs(self):
        """
        Whoever may choose a value cannot choose where it is found.
        """
        mint = Mint(KEY)
        value, known = mint.make()

        assert mint.lookup_of(known.lookup + "x" * 6) != known.lookup
        assert mint.lookup_of(known.lookup) is None
        assert mint.lookup_of(value) == known.lookup

    @pytest.mark.parametrize(
        ("value", "why"),
        [
            ("canary", "16 to 512"),
            ("canary" * 100, "16 to 512"),
            (" canary-canary-canary", "printable ASCII"),
            ("canary-canary-cänary", "printable ASCII"),
            ("sk-gw-canary-canary-canary", "checksum"),
        ],
        ids=["short", "long", "blank-first", "umlaut", "almost-ours"],
    )
    def test_what_is_none_says_why(self, value, why):
        """
        The reason is given, the value is not repeated.
        """
        with pytest.raises(ValueError, match=why) as caught:
            Mint(KEY).of(value)

        assert "canary" not in str(caught.value)


class TestHostile:
    def test_a_thousand_forms_match_nothing(self):
        """
        Whatever is shown, either it has not the form of a value or it is found nowhere.
        """
        mint = Mint(KEY)
        known = {mint.make()[1].lookup: 1 for _ in range(100)}

        found = [known.get(mint.lookup_of(text) or "") for text in hostile(1_000)]

        assert found == [None] * 1_000

    def test_nothing_is_hashed_of_what_has_not_the_form(self, monkeypatch):
        """
        A megabyte, broken unicode and a wrong checksum cost no hash.
        """
        mint = Mint(KEY)
        hashed = []
        monkeypatch.setattr(mint, "_hash", lambda raw, *_: hashed.append(raw) or b"")
        texts = ["x" * 1_000_000, "\ud800" * 20, "\x00" * 20, new_value()[:-1] + "é"]

        found = [mint.lookup_of(text) for text in texts]

        assert found == [None] * 4
        assert hashed == []

    def test_a_stolen_hash_opens_nothing(self):
        """
        Neither the digest nor the line of the settings file is a credential.
        """
        mint = Mint(KEY)
        value, known = mint.make()
        stolen = [
            mint.hash_of(value),
            known.digest.hex(),
            known.lookup + known.digest.hex(),
        ]

        assert [mint.lookup_of(text) == known.lookup for text in stolen] == [False] * 3
        assert [mint.matches(text, known) for text in stolen] == [False] * 3


class TestKeys:
    def test_hashes_hang_on_the_key(self):
        """
        With another ``server.secret_key`` the same value has another hash and another place.
        """
        one, two = Mint(KEY), Mint(b"j" * 32)

        assert one.of(BIFROST).lookup != two.of(BIFROST).lookup
        assert one.of(BIFROST).digest != two.of(BIFROST).digest
        assert one.fingerprint != two.fingerprint

    def test_the_same_key_gives_the_same_hash(self):
        """
        Every installation with the same root can check what another has hashed.
        """
        value = new_value()

        assert (
            Mint(KEY).read_hash(Mint(KEY).hash_of(value)).digest
            == Mint(KEY).of(value).digest
        )

    @pytest.mark.parametrize("value", [new_value(), BIFROST], ids=["ours", "theirs"])
    def test_a_hash_can_be_written_and_read(self, value):
        """
        What stands under ``hash:`` finds and matches the value.
        """
        mint = Mint(KEY)

        known = mint.read_hash(mint.hash_of(value))

        assert known.lookup == mint.lookup_of(value)
        assert mint.matches(value, known)

    def test_a_hash_of_another_installation_is_told(self):
        """
        A hash that could never match is an error, not a key that never works.
        """
        text = Mint(b"j" * 32).hash_of(BIFROST)

        with pytest.raises(ValueError, match=r"another server\.secret_key"):
            Mint(KEY).read_hash(text)

    def test_what_is_no_hash_is_not_repeated(self):
        """
        A value that was pasted where a hash belongs does not show in the error.
        """
        with pytest.raises(ValueError, match="keys hash") as caught:
            Mint(KEY).read_hash("sk-gw-canary")

        assert "canary" not in str(caught.value)

    def test_a_short_key_is_no_key(self):
        """
        Hashes are never keyed with nothing.
        """
        with pytest.raises(ValueError, match="too short"):
            Mint(b"")

    def test_a_mint_shows_no_key(self):
        """
        What a log would write of it does not hold the key.
        """
        assert "kkkk" not in repr(Mint(KEY))


def test_values_are_compared_whole():
    """
    A digest that only begins alike does not match.
    """
    mint = Mint(KEY)
    value, known = mint.make()
    near = KeyValue(lookup=known.lookup, digest=known.digest[:-1] + b"\x00")
    short = KeyValue(lookup=known.lookup, digest=known.digest[:8])

    assert not mint.matches(value, short)
    assert known.digest[-1:] == b"\x00" or not mint.matches(value, near)
