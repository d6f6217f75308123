"""
Secrets: references resolved at use, and keys derived for one purpose each.

A value is returned to whoever asks and is in no log, error or ``repr`` of this
module.  Who asks does so each time, so that a file that was changed takes effect.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final

import attrs
import structlog

from gateway.clock import Clock, SystemClock
from gateway.durable import sync_folder, write_new
from gateway.errors import ConfigError, Problem, SecretMissing
from gateway.registrations import SecretStore
from gateway.settings import SecretRef

MAX_SECRET_BYTES: Final = 64 * 1024

#: How long a file that was looked at is taken to be unchanged.
LOOK_AGAIN_S: Final = 1.0

#: Fewer characters than this are no key to seal with; 32 random bytes have 43.
MIN_ROOT_CHARACTERS: Final = 32

ROOT_KEY_FILE: Final = "secret_key"

_BUILT_IN: Final = ("env", "file")
_READABLE_BY_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

# What tells that a file was changed: modification time, size, inode.
_Version = tuple[int, int, int]


def _log_warning(message: str) -> None:
    structlog.get_logger().warning(message)


@attrs.define
class _SecretFile:
    """
    What was read from a file, and when it was last looked at.
    """

    value: str = attrs.field(repr=False)
    version: _Version
    looked_at: float


class Secrets:
    """
    Resolves references to secrets.

    Args:
        environ: where ``env.`` looks.

        clock: tells when a file is to be looked at again.

        warn: is told, once a file, that others may read it.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        clock: Clock | None = None,
        warn: Callable[[str], None] = _log_warning,
    ) -> None:
        self._environ = environ
        self._clock = clock or SystemClock()
        self._warn = warn
        self._stores: dict[str, SecretStore] = {}
        self._files: dict[str, _SecretFile] = {}
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        return f"<Secrets {' '.join(self.schemes)}>"

    @property
    def schemes(self) -> tuple[str, ...]:
        """
        What a reference may begin with.
        """
        return (*_BUILT_IN, *self._stores)

    def register(self, stores: Iterable[SecretStore]) -> None:
        """
        Add plugins' stores, each under its name.

        Raises:
            ConfigError: a name is taken.
        """
        for store in stores:
            if store.name in self.schemes:
                raise ConfigError(f"two secret stores are called {store.name}")
            self._stores[store.name] = store

    def get(self, reference: SecretRef) -> str:
        """
        Return the secret at *reference*.

        A file is looked at again at most once a second, and read when it changed.

        Raises:
            SecretMissing: there is none; names the reference alone.
        """
        if reference.scheme == "env":
            value = self._environ.get(reference.name)
            if not value:
                raise SecretMissing(str(reference), "not set in the environment")
            return value
        if reference.scheme == "file":
            return self._from_file(reference)
        return self._from_store(reference)

    def _from_file(self, reference: SecretRef) -> str:
        known = self._files.get(reference.name)
        now = self._clock.monotonic()
        if known is not None:
            if now - known.looked_at < LOOK_AGAIN_S:
                return known.value
            if _version_of(reference) == known.version:
                known.looked_at = now
                return known.value
        value, status = _read_file(reference)
        self._files[reference.name] = _SecretFile(value, _version(status), now)
        self._warn_if_open(reference, status)
        return value

    def _from_store(self, reference: SecretRef) -> str:
        store = self._stores.get(reference.scheme)
        if store is None:
            raise SecretMissing(
                str(reference), f"no such store; there are {' '.join(self.schemes)}"
            )
        value: Any
        try:
            value = store.get(reference.name)
        except KeyError:
            raise SecretMissing(str(reference), "not in the store") from None
        except Exception as exc:  # noqa: BLE001  # what it says may hold the secret
            why = f"the store failed with {type(exc).__name__}"
            raise SecretMissing(str(reference), why) from None
        if not isinstance(value, str) or not 0 < len(value) <= MAX_SECRET_BYTES:
            raise SecretMissing(str(reference), "the store gave no text of fit length")
        return value

    def _warn_if_open(self, reference: SecretRef, status: os.stat_result) -> None:
        mode = stat.S_IMODE(status.st_mode)
        if mode & _READABLE_BY_OTHERS and reference.name not in self._warned:
            self._warned.add(reference.name)
            self._warn(
                f"secret {reference}: others on this machine may open it "
                f"(mode {mode:04o}); chmod 600"
            )


def _version(status: os.stat_result) -> _Version:
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _version_of(reference: SecretRef) -> _Version | None:
    try:
        return _version(Path(reference.name).stat())
    except OSError:
        return None  # reading it will say why


def _read_file(reference: SecretRef) -> tuple[str, os.stat_result]:
    try:
        # Non-blocking: a named pipe would hold up every request.
        descriptor = os.open(reference.name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            # Of the open file: the name may lead to another one by now.
            status = os.fstat(descriptor)
            is_regular = stat.S_ISREG(status.st_mode)
            raw = file.read(MAX_SECRET_BYTES + 1) if is_regular else b""
    except OSError as exc:
        raise SecretMissing(str(reference), exc.strerror or "cannot be read") from None
    if not is_regular:
        raise SecretMissing(str(reference), "not a regular file")
    if len(raw) > MAX_SECRET_BYTES:
        raise SecretMissing(str(reference), f"larger than {MAX_SECRET_BYTES} bytes")
    return _text_of(raw, reference), status


def _text_of(raw: bytes, reference: SecretRef) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise SecretMissing(str(reference), "not text in UTF-8") from None
    # An editor or echo put one there; more than one is somebody's intention.
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SecretMissing(str(reference), "the file is empty")
    return text


# -- keys ----------------------------------------------------------------------


def derive_key(root: bytes, label: str, length: int = 32) -> bytes:
    """
    Derive the key for one purpose from the root of all keys.

    Args:
        root: see `root_key`.

        label: the purpose, the same for ever: ``governance/virtual-keys``.

    Raises:
        ValueError: *label* is empty, which would make one key of many.
    """
    if not label:
        msg = "a key is derived for a purpose: name it"
        raise ValueError(msg)
    return hkdf_sha256(root, salt=b"", info=label.encode(), length=length)


def hkdf_sha256(material: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """
    Derive *length* bytes by HKDF with SHA-256, RFC 5869.

    Raises:
        ValueError: *length* is not from 1 to 8160.
    """
    size = hashlib.sha256().digest_size
    if not 0 < length <= 255 * size:
        raise ValueError(f"HKDF gives 1 to {255 * size} bytes, not {length}")
    extracted = hmac.digest(salt or bytes(size), material, "sha256")
    block = b""
    expanded = b""
    for counter in range(1, -(-length // size) + 1):
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        expanded += block
    return expanded[:length]


@attrs.frozen(kw_only=True)
class RootKey:
    """
    What all that is sealed or hashed hangs on.

    Attributes:
        key: for `derive_key` only.

        source: where it is kept: a reference, or a file's path.

        is_new: it was made just now, which is to be said aloud.
    """

    key: bytes = attrs.field(repr=False)
    source: str
    is_new: bool = False

    def derive(self, label: str, length: int = 32) -> bytes:
        """
        Derive the key for one purpose.
        """
        return derive_key(self.key, label, length)


def root_key(
    reference: SecretRef | None, data_dir: Path, *, secrets: Secrets
) -> RootKey:
    """
    Return the root key: ``server.secret_key``, or the one kept in *data_dir*.

    The first who asks makes the file, atomically, readable by its owner alone.

    Raises:
        ConfigError: it is missing, too short, or cannot be made.
    """
    if reference is not None:
        key = _long_enough(secrets.get(reference), "server.secret_key")
        return RootKey(key=key, source=str(reference))
    path = Path(data_dir).absolute() / ROOT_KEY_FILE
    try:
        is_new = not path.exists() and _make_root_key(path)
    except OSError as exc:
        problem = Problem(f"no key can be made here: {exc.strerror}", where=str(path))
        raise ConfigError(problem) from None
    text = secrets.get(SecretRef("file", str(path)))
    return RootKey(key=_long_enough(text, str(path)), source=str(path), is_new=is_new)


def _long_enough(text: str, place: str) -> bytes:
    if len(text) < MIN_ROOT_CHARACTERS:
        message = (
            f"shorter than {MIN_ROOT_CHARACTERS} characters; "
            "make one: openssl rand -base64 32"
        )
        raise ConfigError(Problem(message, path=place))
    return text.encode()


def _make_root_key(path: Path) -> bool:
    """
    Make the file unless somebody else did; return whether this call did.

    A link from a finished file is atomic and never replaces: two who start at the
    same time agree on one key, and no crash leaves half of one.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{ROOT_KEY_FILE}.{os.getpid()}.{token_urlsafe(8)}")
    try:
        write_new(draft, f"{token_urlsafe(32)}\n".encode())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True
