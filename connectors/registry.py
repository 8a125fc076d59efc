"""Finding connectors by name and opening them for an account.

A connector is announced by an entry point of the group ``turnout.connectors``; a package of yours that does so is
found like the ones that ship. Nothing is imported before it is asked for by name.
"""

from __future__ import annotations

import difflib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from connectors.base import ActionNeeded, AuthFailed, Connector, ConnectorSettings
from connectors.settings import env_prefix, not_json

GROUP = "turnout.connectors"


class UnknownConnector(LookupError):
    """No installed package announces a connector of this name."""


class NotAConnector(TypeError):
    """What a package announces as a connector is none."""


def available() -> tuple[str, ...]:
    """Names of every installed connector, sorted. Imports none of them."""
    return tuple(sorted(_announced()))


def load(connector_name: str) -> type[Connector]:
    """The connector class of this name. Needs no credentials.

    Raises UnknownConnector naming the nearest valid name, NotAConnector for a faulty announcement.
    """
    announced = _announced()
    if connector_name not in announced:
        nearest = difflib.get_close_matches(connector_name, announced, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise UnknownConnector(
            f"no connector is called {connector_name!r}: {hint}Installed: {', '.join(sorted(announced))}."
        )
    found = announced[connector_name].load()
    if not (isinstance(found, type) and issubclass(found, Connector)):
        raise NotAConnector(
            f"entry point {connector_name!r} ({announced[connector_name].value}) is no subclass of Connector"
        )
    return found


def open_connector(destination: str, connector_name: str, state_dir: Path | None = None) -> Connector:
    """A connector for one account, its settings read now from ``TURNOUT_<DESTINATION>_*`` and ``.env``.

    With ``state_dir`` the account's budget and tokens are kept there, for every process that asks it. Sends nothing
    yet. Raises UnknownConnector; AuthFailed when a required setting is missing; ActionNeeded when one is there but
    unusable, or the budget's file is. Messages name variables, never values.
    """
    connector_type = load(connector_name)
    connector = connector_type(destination, read_settings(destination, connector_type.settings_type))
    if state_dir is not None:
        try:
            connector.use_state(state_dir)
        except BaseException:
            connector.close()
            raise
    return connector


def read_settings(destination: str, settings_type: type[ConnectorSettings]) -> ConnectorSettings:
    """Settings of one account; raises as ``open_connector`` does."""
    prefix = env_prefix(destination)
    try:
        return settings_type(_env_prefix=prefix)
    except ValidationError as error:
        missing, unusable = _complaints(error, prefix)
    except SettingsError as error:
        missing, unusable = [], [not_json(error, prefix)]
    if missing:
        raise AuthFailed(f"{destination}: set {' and '.join(missing)} in the environment or in .env")
    raise ActionNeeded(f"{destination}: {'; '.join(unusable)}")


def _complaints(error: ValidationError, prefix: str) -> tuple[list[str], list[str]]:
    """Missing variables, and sentences on unusable ones (pydantic's messages hold no input values)."""
    missing: list[str] = []
    unusable: list[str] = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        variable = prefix + "_".join(str(part) for part in detail["loc"][:1]).upper()
        if detail["type"] == "missing":
            missing.append(variable)
        else:
            unusable.append(f"{variable} {detail['msg'].removeprefix('Value error, ')}")
    return missing, unusable


def _announced() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
