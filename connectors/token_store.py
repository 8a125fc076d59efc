"""Where tokens that were given out are kept: an encrypted file a credential, or an operator's own secret store.

What is kept is encrypted with a key that only the credential in the environment gives (HKDF-SHA256 and Fernet), so a
copy of the state folder opens nothing. An operator's store is a class of theirs with the methods of `TokenStore`.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ROOM = 8_192
"""Bytes that are proved to fit on the disk before a token is asked for."""

Keep = Callable[[bytes], None]


class TokenStore(Protocol):
    """Keeps one small secret under each name. Every method may raise OSError."""

    def read(self, name: str) -> bytes | None:
        """What was kept last, None for nothing."""
        ...

    def writing(self, name: str) -> AbstractContextManager[Keep]:
        """A function that keeps new content, lasting when it returns; entering proves that there is room."""
        ...


@dataclass(frozen=True, slots=True)
class TokenFolder:
    """One file a name, for its owner only."""

    folder: Path

    def read(self, name: str) -> bytes | None:
        """The file's content."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def writing(self, name: str) -> Iterator[Keep]:
        """A new file with room on the disk; what is kept takes the old one's place, whole and synced."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self.folder / f"{name}.new"
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(b" " * ROOM)
            _sync(file)

            def keep(content: bytes) -> None:
                file.seek(0)
                file.write(content)
                file.truncate()
                _sync(file)
                os.replace(new, self._path(name))
                self._sync_names()

            yield keep

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.token"

    def _sync_names(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@dataclass(frozen=True, slots=True)
class Seal:
    """Encrypts what one credential's store holds."""

    secret: str
    """What only the operator's environment knows."""

    def close(self, content: bytes) -> bytes:
        """Encrypted and authenticated."""
        return self._fernet().encrypt(content)

    def open(self, content: bytes) -> bytes | None:
        """The content; None when it was sealed with another secret, or is damaged."""
        try:
            return self._fernet().decrypt(content)
        except InvalidToken:
            return None

    def _fernet(self) -> Fernet:
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"turnout tokens 1").derive(self.secret.encode())
        return Fernet(urlsafe_b64encode(derived))


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
