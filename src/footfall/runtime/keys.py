"""Keys: derived from the one secret, a separate key for each purpose."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive_key(secret: str, purpose: str, length: int) -> bytes:
    """Derive the key for a purpose from the secret (HKDF, RFC 5869)."""
    info = f"footfall {purpose}".encode()
    return HKDF(SHA256(), length, salt=None, info=info).derive(secret.encode())
