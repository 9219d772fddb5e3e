"""Passwords: hashed with Argon2id, on threads of their own.

argon2-cffi binds the reference implementation and has the parameters of RFC 9106. A
hash takes 64 MiB and some 50 ms, so only a few are computed at once.
"""

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor

import argon2

from footfall.errors import FieldError, Invalid

LENGTH_MIN = 10
LENGTH_MAX = 256
THREADS = 2
_hasher = argon2.PasswordHasher()
_threads = ThreadPoolExecutor(THREADS, "footfall-password")


def hash_password(password: str) -> str:
    """Return a password's hash.

    Raises:
        Invalid: It is too short or too long.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        allowed = f"{LENGTH_MIN} to {LENGTH_MAX} characters"
        raise Invalid(
            f"The password cannot be used; allowed: {allowed}.",
            [FieldError("password", f"allowed: {allowed}")],
        )
    return _hasher.hash(password)


async def hashed(password: str) -> str:
    """Return a password's hash, made off the event loop; see `hash_password`."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, hash_password, password)


@functools.cache
def _nobody() -> str:
    """Return what is compared where there is no user or no password."""
    return _hasher.hash("nobody has this password")


async def fits(password_hash: str | None, password: str) -> bool:
    """Tell whether a password is that of a hash; without one it takes as long."""
    loop = asyncio.get_running_loop()
    tried = password[: LENGTH_MAX + 1]
    return await loop.run_in_executor(_threads, _verify, password_hash, tried)


def _verify(password_hash: str | None, password: str) -> bool:
    try:
        _hasher.verify(password_hash or _nobody(), password)
    except argon2.exceptions.VerificationError:
        return False
    return password_hash is not None
