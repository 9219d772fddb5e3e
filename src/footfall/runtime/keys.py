"""Keys: one secret, and from it a key of its own for each purpose."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive_key(secret: str, purpose: str, length: int) -> bytes:
    """Make a key of its own for each purpose from the one secret (RFC 5869)."""
    info = f"footfall {purpose}".encode()
    return HKDF(SHA256(), length, salt=None, info=info).derive(secret.encode())
