"""
The private keys that sign checkpoints, in files that only their owner reads.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway_audit.sequencing.files import Files
from gateway_audit.spool.disk import Disk
from gateway_audit.tlog.errors import Malformed, TlogError
from gateway_audit.tlog.keylists import KeyList
from gateway_audit.tlog.notes import ED25519, SigningKey, VerifierKey

log = structlog.get_logger("gateway.audit.keys")

#: The list that the root key signed, beside the checkpoint; and the root key it is believed of.
LIST_FILE: Final = "keys"
ROOT_FILE: Final = "root.vkey"
#: The one key that signs while there is no list.
SIGNER_FILE: Final = "signer.vkey"
#: Held while a checkpoint is signed and while the list is replaced; beside the keys' folder.
LOCK_FILE: Final = "keys.lock"
#: The log's name, once it has one.
ORIGIN_FILE: Final = "origin"

_SEED_BYTES: Final = 32
_READABLE_BY_OTHERS: Final = 0o077
_OWN_NAME: Final = re.compile(r"signing-\d{4,}\.pem")


class KeyProblem(Exception):
    """
    A key cannot be used; says which file, and never what is in it.
    """


def read_private(content: bytes, where: str) -> Ed25519PrivateKey:
    """
    Read an Ed25519 key: PEM (PKCS #8), or its seed as 32 bytes, hex or base64.

    Raises:
        KeyProblem: It is none of these.
    """
    if b"-----BEGIN" in content:
        try:
            key = load_pem_private_key(content, password=None)
        except (ValueError, TypeError):
            raise KeyProblem(f"{where} holds no private key that can be read") from None
        if isinstance(key, Ed25519PrivateKey):
            return key
        raise KeyProblem(f"{where} holds a key, but none of Ed25519")
    seed = _seed(content)
    if seed is None:
        raise KeyProblem(f"{where} holds neither PEM nor the 32 bytes of a seed")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _seed(content: bytes) -> bytes | None:
    if len(content) == _SEED_BYTES:
        return content
    text = content.strip()
    try:
        if len(text) == 2 * _SEED_BYTES:
            return bytes.fromhex(text.decode())
        seed = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return seed if len(seed) == _SEED_BYTES else None


def read_key_file(path: Path, name: str, *, kind: int = ED25519) -> SigningKey:
    """
    Read the signing key *name* from a file.

    Raises:
        KeyProblem: It cannot be read, or it holds no key.
    """
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as exc:
        raise KeyProblem(f"{path} cannot be read: {exc.strerror}") from None
    if mode & _READABLE_BY_OTHERS:
        log.warning("others can read a signing key", file=str(path))
    return SigningKey(name=name, kind=kind, private=read_private(content, str(path)))


def make_key_file(path: Path, name: str, *, kind: int = ED25519) -> SigningKey:
    """
    Make a key and write it to a file that was not there.

    Raises:
        FileExistsError: It was.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    disk = Disk()
    descriptor = disk.create(path, 0)
    try:
        disk.write(descriptor, content, 0)
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)
    disk.sync_folder(path.parent)
    return SigningKey(name=name, kind=kind, private=key)


def find_origin(folder: Path, configured: str | None) -> str:
    """
    Return the log's name: the one that was kept, or else *configured*, or else one that is made.

    A name is for ever: what was signed under it cannot be signed under another.
    """
    files = Files(folder)
    kept = files.find(ORIGIN_FILE)
    if kept is not None:
        return kept.decode().strip()
    origin = configured or f"gatewright.invalid/{secrets.token_hex(8)}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files.write([(ORIGIN_FILE, f"{origin}\n".encode())])
    return origin


@contextmanager
def holding_list(folder: Path) -> Iterator[None]:
    """
    Keep the list of keys as it is, by waiting for whoever does the same.

    Otherwise a checkpoint could be signed with a key whose range a new list ends before it.

    Args:
        folder: That of the keys.
    """
    disk = Disk()
    lock = disk.lock(folder.with_name(LOCK_FILE), waits=True)
    try:
        yield
    finally:
        disk.close(lock)


class SigningKeys:
    """
    Finds the key that signs a tree of some size.

    Without a list one key signs everything, the one that signed first: an auditor who knows it
    would take another's checkpoints for forged.  With a list, signed by the root key, each key
    signs in its range; the list is looked at again whenever its file was changed.

    Args:
        folder: Where keys are made and found: ``keys/`` below the audit's folder.
        list_path: The list, in the log's folder.
        name: What the keys are called: the origin.
        configured: A key of the operator's own, instead of those in *folder*.
    """

    def __init__(
        self,
        folder: Path,
        list_path: Path,
        name: str,
        *,
        configured: SigningKey | None = None,
    ) -> None:
        self._folder = folder
        self._list_path = list_path
        self._name = name
        self._configured = configured
        self._version: tuple[int, int, int] | None = None
        self._list: KeyList | None = None
        self._keys: dict[VerifierKey, SigningKey] = {}
        self._first = find_vkey(folder / SIGNER_FILE)
        self._load_keys()

    def signer(self, size: int) -> SigningKey:
        """
        Return the key for a tree of *size*.

        Raises:
            KeyProblem: It is not on this machine.
        """
        self._look()
        if self._list is None:
            return self._only()
        for verifier in self._list.valid_for(size):
            if verifier not in self._keys:
                self._load_keys()
            if verifier in self._keys:
                return self._keys[verifier]
        raise KeyProblem(
            f"the key that signs a tree of {size} is not in {self._folder}"
        )

    def held(self) -> AbstractContextManager[None]:
        """
        Keep the list as it is while a checkpoint is signed and written.
        """
        return holding_list(self._folder)

    def verifiers(self, size: int) -> list[VerifierKey]:
        """
        Return the keys that a checkpoint of *size* may be signed with.
        """
        self._look()
        if self._list is not None:
            return self._list.valid_for(size)
        return list(self._keys) if self._first is None else [self._first]

    def _only(self) -> SigningKey:
        key = self._configured or list(self._keys.values())[-1]
        if self._first is None:
            written = f"{key.verifier}\n".encode()
            Files(self._folder).write([(SIGNER_FILE, written)])
            self._first = key.verifier
        if key.verifier != self._first:
            raise KeyProblem(
                f"{key.verifier} is not the key that signed so far, {self._first}: put that "
                "back; only a list that the root key signed changes it (gatewright audit keys)"
            )
        return key

    def _load_keys(self) -> None:
        if self._configured is not None:
            self._keys[self._configured.verifier] = self._configured
        for path in own_key_files(self._folder):
            key = read_key_file(path, self._name)
            self._keys[key.verifier] = key
        if not self._keys:
            path = next_key_file(self._folder)
            key = make_key_file(path, self._name)
            self._keys[key.verifier] = key
            log.warning(
                "made a key to sign the audit log; keep its public half where you keep trust",
                file=str(path),
                vkey=str(key.verifier),
            )

    def _look(self) -> None:
        """
        Read the list if it is another than before.
        """
        try:
            told = self._list_path.stat()
        except FileNotFoundError:
            return
        version = (told.st_mtime_ns, told.st_size, told.st_ino)
        if version == self._version:
            return
        root = find_root(self._folder)
        if root is None:
            raise KeyProblem(
                f"{self._folder / ROOT_FILE} does not say whose keys to believe"
            )
        try:
            self._list = KeyList.verified(
                self._list_path.read_bytes(), origin=self._name, root=root
            )
        except TlogError as exc:
            raise KeyProblem(f"{self._list_path}: {exc}") from None
        self._version = version


def own_key_files(folder: Path) -> list[Path]:
    """
    Find the keys that were made here, the oldest first.
    """
    found = folder.glob("signing-*.pem")
    return sorted(path for path in found if _OWN_NAME.fullmatch(path.name))


def next_key_file(folder: Path) -> Path:
    """
    Say where the next key goes.
    """
    numbers = [int(path.stem.partition("-")[2]) for path in own_key_files(folder)]
    return folder / f"signing-{max(numbers, default=0) + 1:04d}.pem"


def find_root(folder: Path) -> VerifierKey | None:
    """
    Find the root key that lists are believed of.

    Raises:
        KeyProblem: What stands there is none.
    """
    return find_vkey(folder / ROOT_FILE)


def find_vkey(path: Path) -> VerifierKey | None:
    """
    Find the public key that stands in a file.

    Raises:
        KeyProblem: What stands there is none.
    """
    try:
        return VerifierKey.parse(path.read_text().strip())
    except FileNotFoundError:
        return None
    except Malformed as exc:
        raise KeyProblem(f"{path}: {exc}") from None
