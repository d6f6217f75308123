"""
A house's own certificate authority, made while a test runs.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOME = ipaddress.ip_address("127.0.0.1")
#: What the key of an authority is for.
_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def make_authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """
    Return the authority's file, and what a server on this machine listens with.
    """
    root, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = folder / "authority.pem"
    authority.write_bytes(
        _signed(
            root, root, "authority", x509.BasicConstraints(ca=True, path_length=None)
        )
    )
    name = x509.SubjectAlternativeName([x509.IPAddress(HOME)])
    both = folder / "server.pem"
    key = leaf.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    both.write_bytes(key + _signed(leaf, root, "server", name))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return authority, context


def _signed(key, root, subject: str, extension: x509.ExtensionType) -> bytes:
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    # RFC 5280 demands the names of both keys, and what an authority's is for; Python 3.13 too.
    own, signer = key.public_key(), root.public_key()
    builder = x509.CertificateBuilder(
        issuer_name=_named("authority"),
        subject_name=_named(subject),
        public_key=own,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - day,
        not_valid_after=now + day,
    )
    for each, is_critical in (
        (extension, True),
        (x509.SubjectKeyIdentifier.from_public_key(own), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False),
    ):
        builder = builder.add_extension(each, critical=is_critical)
    if key is root:
        builder = builder.add_extension(_SIGNS, critical=True)
    signed = builder.sign(root, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
