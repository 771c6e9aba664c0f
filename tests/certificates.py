"""A small authority for the tests: root, intermediate, and a server certificate that is sent without its intermediate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Chain:
    """PEM files."""

    root: Path
    intermediate: Path
    root_and_intermediate: Path
    leaf_only: Path


def issue_chain(folder: Path, host: str) -> Chain:
    """Keys and certificates for one host, valid for a day around now."""
    keys = {who: ec.generate_private_key(ec.SECP256R1()) for who in ("root", "intermediate", host)}

    def issued(who: str, by: str, is_authority: bool) -> bytes:
        now = datetime.now(UTC)
        own, issuer = keys[who].public_key(), keys[by].public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]))
            .public_key(own)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        )
        if is_authority:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        else:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(keys[by], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root = issued("root", "root", is_authority=True)
    intermediate = issued("intermediate", "root", is_authority=True)
    leaf = issued(host, "intermediate", is_authority=False)
    key = keys[host].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    contents = {
        "root": root,
        "intermediate": intermediate,
        "root_and_intermediate": root + intermediate,
        "leaf_only": leaf + key,
    }
    paths = {name: folder / f"{name}.pem" for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    return Chain(**paths)
