"""
A certificate authority for tests: what it signs is believed by who is given its certificate.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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


@attrs.frozen
class Authority:
    """
    A certificate authority that nobody but these tests has heard of.
    """

    folder: Path
    key: ec.EllipticCurvePrivateKey = attrs.field(
        factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def file(self) -> Path:
        """
        Its own certificate, for those who are to trust it.
        """
        file = self.folder / "authority.pem"
        if not file.exists():
            constraints = x509.BasicConstraints(ca=True, path_length=None)
            file.write_bytes(self._sign(self.key, "authority", constraints))
        return file

    def issue(self, address: ipaddress.IPv4Address) -> tuple[Path, Path]:
        """
        Make a certificate for *address*, and the key to it.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.SubjectAlternativeName([x509.IPAddress(address)])
        certificate = self.folder / f"{address}.pem"
        certificate.write_bytes(self._sign(key, str(address), name))
        private_key = self.folder / f"{address}.key"
        private_key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, private_key

    def context(self, address: ipaddress.IPv4Address) -> ssl.SSLContext:
        """
        Return what a server at *address* listens with.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(address))
        return context

    def _sign(self, key, subject: str, extension: x509.ExtensionType) -> bytes:
        now = dt.datetime.now(dt.UTC)
        day = dt.timedelta(days=1)
        builder = x509.CertificateBuilder(
            issuer_name=_named("authority"),
            subject_name=_named(subject),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - day,
            not_valid_after=now + day,
        )
        # RFC 5280 demands the names of both keys, and what an authority's is for; Python 3.13 too.
        own, signer = key.public_key(), self.key.public_key()
        is_authority = isinstance(extension, x509.BasicConstraints)
        for each, is_critical in (
            (extension, is_authority),
            (x509.SubjectKeyIdentifier.from_public_key(own), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False),
        ):
            builder = builder.add_extension(each, critical=is_critical)
        if is_authority:
            builder = builder.add_extension(_SIGNS, critical=True)
        signed = builder.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
