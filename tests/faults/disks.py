"""Disks that are full: a small file system of its own for one store, or a limit on the size of any file."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import require

PAGE = 4096


@contextmanager
def small_disk(mount: Path, stores: list[Path], free: int) -> Iterator[Callable[[], None]]:
    """Move stores onto a disk with ``free`` bytes left, leaving links; yields what makes the disk large again.

    Skips the test where this user may not mount.
    """
    mount.mkdir()
    held = sum(-(-store.stat().st_size // PAGE) * PAGE for store in stores)
    size = held + free + (len(stores) + 1) * PAGE
    done = _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(mount))
    require(done, "this user may not mount a small disk")
    try:
        for store in stores:
            shutil.move(store, mount / store.name)
            store.symlink_to(mount / store.name)
        yield lambda: require(_mount("-o", "remount,size=64m", str(mount)), "cannot remount")
    finally:
        for store in stores:
            store.unlink()
            shutil.copy(mount / store.name, store)
        subprocess.run(["umount", str(mount)], check=True)


def _mount(*arguments: str) -> bool:
    if shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def no_file_over(limit: int) -> Callable[[], None]:
    """For a new process: writing beyond this many bytes of any file fails, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
