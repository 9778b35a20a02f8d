"""What is kept of passwords."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator

import pytest

from assay.core import InvalidInput
from assay.web.passwords import LONGEST, Passwords

pytestmark = pytest.mark.anyio


@pytest.fixture
def passwords(anyio_backend: str) -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_only_the_password_itself_is_right(passwords: Passwords) -> None:
    kept = await passwords.hash("correct horse 電池")
    assert "correct" not in kept
    assert await passwords.hash("correct horse 電池") != kept, "each has a salt of its own"
    outcomes = [
        await passwords.check(said, kept) for said in ("correct horse 電池", "correct horse", "", "x" * 10**6, "\ud800" * 12)
    ]
    assert outcomes == [True, False, False, False, False]


async def test_where_no_password_is_kept_none_is_right(passwords: Passwords) -> None:
    for said in ("", "anything at all", "\0" * 32):
        assert not await passwords.check(said, None)


async def test_a_hash_with_other_parameters_stays_good(passwords: Passwords) -> None:
    """Each says how it was made, so that they can be raised one day."""
    derived = hashlib.scrypt(b"correct horse", salt=b"s" * 16, n=2**10, r=8, p=1, dklen=32)
    kept = f"scrypt$1024$8$1${b64encode(b's' * 16).decode()}${b64encode(derived).decode()}"
    assert await passwords.check("correct horse", kept)
    assert not await passwords.check("correct horses", kept)


@pytest.mark.parametrize("password", ["", "eleven char", "x" * (LONGEST + 1)])
async def test_a_password_is_neither_short_nor_without_end(passwords: Passwords, password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await passwords.hash(password)
    assert refused.value.code == "password.bad"
    assert password not in str(refused.value) or not password
