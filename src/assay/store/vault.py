"""Secrets at rest: one master key in a file outside the data directory, one sealed box a secret.

AES-256-GCM under a key derived by HKDF-SHA-256 (RFC 5869) for each purpose and version. The record's name is authenticated with
it, so that a row copied over another does not open. A sealed value is: format (1 byte), key version (1), the master key's
fingerprint (8), nonce (12), ciphertext and tag.

Each key file may have others beside it, named after it (``master.key.*``): those of before and after a rotation, of which the
database says which one it needs. None is ever deleted here.

Covered: a stolen database or backup. Not covered: whoever can read the key file or this process's memory.
"""

from __future__ import annotations

import hmac
import logging
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from assay.core.errors import Forbidden, Unavailable

KEY_BYTES = 32
_FORMAT = 1
_VERSION = 1
_FINGERPRINT_BYTES = 8
_NONCE_BYTES = 12
_HEAD = 2 + _FINGERPRINT_BYTES
_PURPOSE = "secret"

_log = logging.getLogger(__name__)


class Secret:
    """A secret in memory. It shows itself only to who calls `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str):
        self._text = text

    def reveal(self) -> str:
        """The secret itself: for the header it belongs in, never for a log or a message."""
        return self._text

    @property
    def hint(self) -> str | None:
        """The last four characters, with which people tell keys apart; None where that would be too much of it."""
        return f"…{self._text[-4:]}" if len(self._text) >= 16 else None

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)


class Vault:
    """Seals and opens secrets, and derives the other keys that this installation needs. Open it with `Vault.open`."""

    def __init__(
        self,
        master: bytes,
        source: Path,
        *,
        key_file: Path | None = None,
        carried: Mapping[str, bytes] | None = None,
        former: Collection[str] = (),
    ):
        self.key_file = key_file or source
        """Where the master key is looked for first; ``source`` may be one beside it."""
        self.carried = dict(carried or {})
        """Derived keys that outlived the master key that they were derived from, by `purpose_of`."""
        self.former = frozenset(former)
        """The fingerprints of those master keys."""
        self._master = master
        self.source = source
        self._box = AESGCM(self._derive(_PURPOSE, _VERSION))
        self._print = self._derive("fingerprint", 1)[:_FINGERPRINT_BYTES]

    def __repr__(self) -> str:
        return f"Vault({self.source}, fingerprint={self.fingerprint})"

    @classmethod
    def open(cls, key_file: Path, *, data_dir: Path | None = None) -> Vault:
        """Read the master key, or make one (0600, its folder 0700) where there is none.

        Raises:
            Forbidden: ``vault.loose_permissions`` when others may read or replace the file, ``vault.inside_data`` when it lies
                in ``data_dir``, whose backups would then hold the key together with what it locks.
            Unavailable: ``vault.bad_key_file`` when it cannot be read or is not a key.
        """
        key_file = key_file.absolute()
        if data_dir is not None and key_file.resolve().is_relative_to(data_dir.resolve()):
            raise Forbidden(
                "vault.inside_data",
                f"The master key {key_file} lies inside the data directory {data_dir}.",
                hint="Keep it elsewhere, so that no copy of the data holds its key.",
            )
        try:
            if not key_file.exists():
                write_key(key_file, os.urandom(KEY_BYTES))
        except OSError as error:
            raise _bad_file(key_file, f"cannot be read: {error.strerror}") from error
        return cls(read_key(key_file), key_file)

    @classmethod
    def beside(cls, key_file: Path, fingerprint: str) -> Vault | None:
        """The vault of that fingerprint, if its key is in ``key_file`` or in a file beside it that is named after it."""
        for file in _key_files(key_file.absolute()):
            try:
                vault = cls(read_key(file), file, key_file=key_file.absolute())
            except (Forbidden, Unavailable) as error:
                if file != key_file.absolute():  # a copy of something else may lie there
                    _log.warning("a file beside the master key is no key file=%s code=%s", file, error.code)
                continue
            if vault.fingerprint == fingerprint:
                return vault
        return None

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that tell master keys apart and say nothing about them."""
        return self._print.hex()

    def derive(self, purpose: str, *, version: int = 1) -> bytes:
        """A key of 32 bytes for one purpose; another version is another, unrelated key."""
        return self.carried.get(purpose_of(purpose, version)) or self._derive(purpose, version)

    def knows(self, fingerprint: str) -> bool:
        """Whether what was hashed under that master key is still the same under this one, which carries its derived keys."""
        return fingerprint == self.fingerprint or fingerprint in self.former

    def carrying(self, carried: Mapping[str, bytes], former: Collection[str]) -> Vault:
        """This vault with derived keys of ``former`` master keys."""
        return Vault(self._master, self.source, key_file=self.key_file, carried=carried, former=former)

    @staticmethod
    def fingerprint_in(sealed: bytes) -> str:
        """The fingerprint of the master key that sealed it."""
        return sealed[2:_HEAD].hex()

    def become(self, other: Vault) -> None:
        """Be the other vault from now on, for everybody who holds this one."""
        self.__dict__.update(other.__dict__)

    def _derive(self, purpose: str, version: int) -> bytes:
        info = f"assay|{purpose}|{version}".encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._master)

    def seal(self, record: str, secret: str) -> bytes:
        """``secret``, readable only under this master key and only as the secret of ``record``."""
        nonce = os.urandom(_NONCE_BYTES)
        return bytes((_FORMAT, _VERSION)) + self._print + nonce + self._box.encrypt(nonce, secret.encode(), _bound_to(record))

    def unseal(self, record: str, sealed: bytes) -> Secret:
        """What `seal` was given.

        Raises:
            Unavailable: ``vault.wrong_key`` when another master key sealed it, ``vault.damaged`` when it was changed or belongs
                to another record.
        """
        if sealed[:2] != bytes((_FORMAT, _VERSION)) or len(sealed) <= _HEAD + _NONCE_BYTES:
            raise _damaged(record)
        if sealed[2:_HEAD] != self._print:
            raise self.wrong_key(f"The secret {record!r}", sealed[2:_HEAD].hex())
        nonce, box = sealed[_HEAD : _HEAD + _NONCE_BYTES], sealed[_HEAD + _NONCE_BYTES :]
        try:
            return Secret(self._box.decrypt(nonce, box, _bound_to(record)).decode())
        except InvalidTag as error:
            raise _damaged(record) from error

    def wrong_key(self, what: str, fingerprint: str) -> Unavailable:
        """The error that says which master key ``what`` needs and which one this is."""
        return Unavailable(
            "vault.wrong_key",
            f"{what} was locked with the master key {fingerprint}, but {self.source} is {self.fingerprint}.",
            hint="Put the right master key back, or remove what it locked and enter it again.",
        )


def _bound_to(record: str) -> bytes:
    return f"{record}|{_PURPOSE}|{_VERSION}".encode()


def _damaged(record: str) -> Unavailable:
    return Unavailable("vault.damaged", f"The secret {record!r} was changed or belongs to another record.", hint="Enter it again.")


def purpose_of(purpose: str, version: int = 1) -> str:
    """The name under which a derived key is carried."""
    return f"{purpose}|{version}"


def read_key(file: Path) -> bytes:
    """The master key in ``file``. Raises as `Vault.open` does."""
    try:
        _check_permissions(file)
        master = file.read_bytes()
    except OSError as error:
        raise _bad_file(file, f"cannot be read: {error.strerror}") from error
    if len(master) != KEY_BYTES:
        raise _bad_file(file, f"has {len(master)} bytes; a key has {KEY_BYTES}")
    return master


def write_key(file: Path, master: bytes, *, replace: bool = False) -> None:
    """Write a key (0600, its folder 0700) so that it is there whole or not at all, and outlives a power cut.

    Where there is one already it stays, so that of two processes that make one at the same time both use the same; unless it is to
    be replaced.

    Raises:
        OSError: it cannot be written.
    """
    folder = file.parent
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{file.name}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        opened = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(opened, master)
            os.fsync(opened)
        finally:
            os.close(opened)
        if replace:
            draft.replace(file)
        else:
            try:
                os.link(draft, file)
            except FileExistsError:
                return
    finally:
        draft.unlink(missing_ok=True)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _key_files(key_file: Path) -> Iterator[Path]:
    yield key_file
    if key_file.parent.is_dir():
        yield from sorted(file for file in key_file.parent.iterdir() if file.name.startswith(f"{key_file.name}."))


def _bad_file(file: Path, said: str) -> Unavailable:
    return Unavailable(
        "vault.bad_key_file",
        f"The master key {file} {said}.",
        hint="Put the right file back. Without it the stored provider keys cannot be read and must be entered again.",
    )


def _check_permissions(key_file: Path) -> None:
    status = key_file.stat()
    if status.st_uid not in (os.geteuid(), 0):
        raise Forbidden("vault.loose_permissions", f"The master key {key_file} belongs to another user.")
    if status.st_mode & 0o077:
        raise Forbidden(
            "vault.loose_permissions",
            f"The master key {key_file} is open to others (mode {stat.S_IMODE(status.st_mode):04o}).",
            hint=f"Run: chmod 600 {key_file}",
        )
    folder = key_file.parent.stat()
    if folder.st_mode & 0o022 and not folder.st_mode & stat.S_ISVTX:
        raise Forbidden(
            "vault.loose_permissions",
            f"Others may write to the folder of the master key, {key_file.parent} (mode {stat.S_IMODE(folder.st_mode):04o}).",
            hint=f"Run: chmod go-w {key_file.parent}",
        )
