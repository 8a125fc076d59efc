"""The packages that training needs, which only those install who train."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from pipelines.models.errors import ModelError


def needed(module: str) -> ModuleType:
    """A module of the extra ``models``, imported now; raises ModelError naming the extra where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        package = error.name or module.partition(".")[0]
        raise ModelError(
            f"this needs {package}, which is not installed: pip install 'turnout[models]'"
        ) from None


def installed_version(package: str) -> str:
    """Which version of a package is installed, ``unknown`` where none says so."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
