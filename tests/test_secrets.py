from __future__ import annotations

import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from gateway.errors import ConfigError, SecretMissing
from gateway.secrets import (
    MAX_SECRET_BYTES,
    RootKey,
    Secrets,
    derive_key,
    hkdf_sha256,
    root_key,
)
from gateway.settings import SecretRef


class HandClock:
    """
    A clock that is moved by hand.
    """

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


class Vault:
    """
    A store as a plugin registers one.
    """

    name = "vault"

    def __init__(self, **values: object) -> None:
        self.values = values

    def get(self, name: str) -> str:
        if name == "broken":
            raise RuntimeError("canary in the store's own words")
        return self.values[name]


@pytest.fixture(name="clock")
def _clock() -> HandClock:
    return HandClock()


@pytest.fixture(name="warnings")
def _warnings() -> list[str]:
    return []


@pytest.fixture(name="secrets")
def _secrets(clock, warnings) -> Secrets:
    environ = {"KEY": "canary-value", "EMPTY": ""}
    return Secrets(environ, clock=clock, warn=warnings.append)


@pytest.fixture(name="file")
def _file(tmp_path) -> Path:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_text("canary-value\n")
    return path


def reference_to(path: Path) -> SecretRef:
    return SecretRef("file", str(path))


class TestEnvironment:
    def test_is_looked_up_at_each_use(self, secrets):
        """
        The value is that of the environment that was handed in.
        """
        assert secrets.get(SecretRef("env", "KEY")) == "canary-value"

    @pytest.mark.parametrize("name", ["NONE", "EMPTY"])
    def test_without_the_variable_is_told_by_reference(self, secrets, name):
        """
        A variable that is unset or empty is no secret.
        """
        with pytest.raises(SecretMissing) as caught:
            secrets.get(SecretRef("env", name))

        assert str(caught.value) == f"secret env.{name}: not set in the environment"
        assert caught.value.reference == f"env.{name}"


class TestFile:
    @pytest.mark.parametrize(
        ("raw", "value"),
        [
            (b"s", "s"),
            (b"s\n", "s"),
            (b"s\r\n", "s"),
            (b"s\n\n", "s\n"),
            (b" s ", " s "),
            ("ü".encode(), "ü"),
        ],
    )
    def test_loses_one_newline_at_its_end(self, secrets, file, raw, value):
        """
        An editor puts one there; everything else belongs to the secret.
        """
        file.write_bytes(raw)

        assert secrets.get(reference_to(file)) == value

    def test_is_read_again_once_it_changed(self, secrets, file, clock):
        """
        A rotated key takes effect without a reload, after a second at most.
        """
        assert secrets.get(reference_to(file)) == "canary-value"
        file.write_text("rotated-longer\n")

        clock.seconds += 1.0

        assert secrets.get(reference_to(file)) == "rotated-longer"

    def test_is_read_again_once_it_was_replaced(self, secrets, file, clock):
        """
        Another file of the same size and time under the same name is noticed.
        """
        secrets.get(reference_to(file))
        times = file.stat()
        other = file.with_name("other")
        other.write_text("Canary-Value\n")
        os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
        other.replace(file)

        clock.seconds += 1.0

        assert secrets.get(reference_to(file)) == "Canary-Value"

    def test_is_not_looked_at_twice_in_a_second(self, secrets, file, clock):
        """
        On the hot path a secret costs no system call.
        """
        secrets.get(reference_to(file))
        file.unlink()

        clock.seconds += 0.9
        assert secrets.get(reference_to(file)) == "canary-value"

        clock.seconds += 0.2
        with pytest.raises(SecretMissing, match="No such file"):
            secrets.get(reference_to(file))

    def test_unchanged_counts_the_second_anew(self, secrets, file, clock):
        """
        A look that found nothing new is good for another second.
        """
        secrets.get(reference_to(file))
        clock.seconds += 1.0
        secrets.get(reference_to(file))
        file.unlink()

        clock.seconds += 0.9

        assert secrets.get(reference_to(file)) == "canary-value"

    def test_that_was_missing_is_looked_for_at_once(self, secrets, tmp_path):
        """
        A failure is not remembered: a key that is put in place works immediately.
        """
        late = tmp_path / "late"
        with pytest.raises(SecretMissing):
            secrets.get(reference_to(late))

        late.write_text("there")

        assert secrets.get(reference_to(late)) == "there"

    @pytest.mark.parametrize(
        ("raw", "why"),
        [
            (b"", "the file is empty"),
            (b"\n", "the file is empty"),
            (b"canary\xff", "not text in UTF-8"),
            (b"c" * (MAX_SECRET_BYTES + 1), "larger than 65536 bytes"),
        ],
        ids=["empty", "newline", "binary", "large"],
    )
    def test_that_holds_no_secret_is_told(self, secrets, file, raw, why):
        """
        The message names the file and what is wrong, never what is in it.
        """
        file.write_bytes(raw)

        with pytest.raises(SecretMissing) as caught:
            secrets.get(reference_to(file))

        assert str(caught.value) == f"secret file.{file}: {why}"

    def test_of_the_largest_size_is_read(self, secrets, file):
        """
        The cap itself is allowed.
        """
        file.write_bytes(b"c" * MAX_SECRET_BYTES)

        assert len(secrets.get(reference_to(file))) == MAX_SECRET_BYTES

    def test_must_be_a_regular_file(self, secrets, tmp_path):
        """
        A pipe that nobody writes to would hold up every request.
        """
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe, 0o600)

        for path, why in ((pipe, "not a regular file"), (tmp_path, "directory")):
            with pytest.raises(SecretMissing, match=why):
                secrets.get(reference_to(path))

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
    def test_that_others_may_read_is_warned_about_once(
        self, secrets, file, clock, warnings, mode
    ):
        """
        It works, for mounts cannot always be told, but it is said.
        """
        file.chmod(mode)

        secrets.get(reference_to(file))
        file.write_text("another\n")
        clock.seconds += 1.0
        secrets.get(reference_to(file))

        assert warnings == [
            (
                f"secret file.{file}: others on this machine may open it "
                f"(mode {mode:04o}); chmod 600"
            )
        ]

    def test_of_its_owner_alone_is_fine(self, secrets, file, warnings):
        """
        Mode 600 is what it should be.
        """
        secrets.get(reference_to(file))

        assert warnings == []


class TestStores:
    def test_answer_for_their_scheme(self, secrets):
        """
        A plugin's store is asked for what stands behind the dot.
        """
        secrets.register([Vault(**{"kv/x": "canary-value"})])

        assert secrets.get(SecretRef("vault", "kv/x")) == "canary-value"
        assert secrets.schemes == ("env", "file", "vault")

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("none", "not in the store"),
            ("broken", "the store failed with RuntimeError"),
            ("number", "the store gave no text of fit length"),
            ("empty", "the store gave no text of fit length"),
            ("large", "the store gave no text of fit length"),
        ],
    )
    def test_that_fail_are_told_without_their_words(self, secrets, name, why):
        """
        What a store says may hold the secret, so the kind of failure is all there is.
        """
        secrets.register([Vault(number=1, empty="", large="x" * 70_000)])

        with pytest.raises(SecretMissing) as caught:
            secrets.get(SecretRef("vault", name))

        assert str(caught.value) == f"secret vault.{name}: {why}"
        assert caught.value.__cause__ is None

    def test_that_nobody_registered_are_told(self, secrets):
        """
        The message lists the stores that there are.
        """
        with pytest.raises(SecretMissing, match="no such store; there are env file"):
            secrets.get(SecretRef("vault", "x"))

    @pytest.mark.parametrize("taken", ["env", "file", "vault"])
    def test_cannot_share_a_name(self, secrets, taken):
        """
        Two stores of one name would be a matter of luck.
        """
        secrets.register([Vault()])
        store = Vault()
        store.name = taken

        with pytest.raises(ConfigError, match=f"two secret stores are called {taken}"):
            secrets.register([store])


class TestSecrecy:
    def test_no_value_is_in_any_repr(self, secrets, file):
        """
        Whatever is printed in a debugger or a log shows no secret.
        """
        secrets.get(reference_to(file))
        secrets.get(SecretRef("env", "KEY"))
        key = RootKey(key=b"canary-value" * 3, source="env.KEY")

        shown = f"{secrets!r} {secrets._files!r} {key!r}"

        assert "canary" not in shown
        assert repr(secrets) == "<Secrets env file>"


# RFC 5869, appendix A: test cases 1 to 3, those of SHA-256.
RFC_5869 = [
    pytest.param(
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        "34007208d5b887185865",
        id="basic",
    ),
    pytest.param(
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        82,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        "cc30c58179ec3e87c14c01d5c1f3434f1d87",
        id="longer",
    ),
    pytest.param(
        "0b" * 22,
        "",
        "",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
        "9d201395faa4b61a96c8",
        id="empty",
    ),
]


class TestKeys:
    @pytest.mark.parametrize(("material", "salt", "info", "length", "okm"), RFC_5869)
    def test_hkdf_is_that_of_the_rfc(self, material, salt, info, length, okm):
        """
        The vectors of RFC 5869, appendix A.
        """
        derived = hkdf_sha256(
            bytes.fromhex(material),
            salt=bytes.fromhex(salt),
            info=bytes.fromhex(info),
            length=length,
        )

        assert derived.hex() == okm

    @pytest.mark.parametrize("length", [0, -1, 255 * 32 + 1])
    def test_hkdf_has_a_longest_output(self, length):
        """
        RFC 5869 section 2.3: at most 255 blocks.
        """
        with pytest.raises(ValueError, match="8160"):
            hkdf_sha256(b"x", salt=b"", info=b"", length=length)

    def test_purposes_have_keys_of_their_own(self):
        """
        One label, one key: what leaks for one purpose opens no other.
        """
        root = hashlib.sha256(b"root").digest()

        keys = {derive_key(root, label) for label in ("a", "b", "a/b")}

        assert len(keys) == 3
        assert derive_key(root, "a") == derive_key(root, "a")
        assert len(derive_key(root, "a", 64)) == 64

    def test_a_purpose_has_a_name(self):
        """
        Nobody shares a key with somebody else by leaving the purpose out.
        """
        with pytest.raises(ValueError, match="purpose"):
            derive_key(b"root", "")


class TestRootKey:
    def test_is_that_of_the_settings(self, secrets, file, tmp_path):
        """
        Where server.secret_key is set no file is made.
        """
        file.write_text("k" * 32)

        key = root_key(reference_to(file), tmp_path / "data", secrets=secrets)

        assert key == RootKey(key=b"k" * 32, source=f"file.{file}")
        assert not (tmp_path / "data").exists()

    def test_is_made_once_for_its_owner_alone(self, secrets, tmp_path, warnings):
        """
        The first start makes it and says so, the next one finds it.
        """
        folder = tmp_path / "new" / "data"

        first = root_key(None, folder, secrets=secrets)
        second = root_key(None, folder, secrets=secrets)

        path = folder / "secret_key"
        assert (first.is_new, second.is_new) == (True, False)
        assert first.key == second.key
        assert first.derive("x") == second.derive("x")
        assert first.source == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [entry.name for entry in folder.iterdir()] == ["secret_key"]
        assert warnings == []

    def test_is_different_everywhere(self, secrets, tmp_path):
        """
        Each data directory has a key of its own.
        """
        one = root_key(None, tmp_path / "one", secrets=secrets)
        two = root_key(None, tmp_path / "two", secrets=secrets)

        assert one.key != two.key
        assert len(one.key) >= 43

    def test_is_one_for_all_who_start_together(self, tmp_path):
        """
        Workers that race for the file agree on one key, and one of them made it.
        """
        barrier = threading.Barrier(8)
        keys: list[RootKey] = []

        def start() -> None:
            barrier.wait()
            keys.append(root_key(None, tmp_path, secrets=Secrets({})))

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(keys) == 8
        assert len({key.key for key in keys}) == 1
        assert sum(key.is_new for key in keys) == 1
        assert [entry.name for entry in tmp_path.iterdir()] == ["secret_key"]

    def test_that_is_short_is_refused(self, secrets, file, tmp_path):
        """
        A password is no key; the message says how to make one, and not what it was.
        """
        with pytest.raises(ConfigError) as caught:
            root_key(reference_to(file), tmp_path, secrets=secrets)

        assert str(caught.value) == (
            "server.secret_key: shorter than 32 characters; "
            "make one: openssl rand -base64 32"
        )

    def test_that_was_emptied_is_not_made_anew(self, secrets, tmp_path):
        """
        A new key would open nothing of what is stored, so a person must look.
        """
        (tmp_path / "secret_key").touch(mode=0o600)

        with pytest.raises(SecretMissing, match="the file is empty"):
            root_key(None, tmp_path, secrets=secrets)

    def test_that_cannot_be_made_is_told(self, secrets, file):
        """
        A folder that cannot be made is named, with the system's reason.
        """
        with pytest.raises(ConfigError, match="no key can be made here: "):
            root_key(None, file / "below", secrets=secrets)
