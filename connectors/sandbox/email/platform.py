"""What every email tool of the sandbox is: people with consent, lists of them, jobs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import ClassVar, Literal

from connectors.sandbox.email import jobs, lists
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.played import (
    Context,
    Model,
    PlayedPlatform,
    Refusal,
    Routes,
    StrictRequest,
    json_of,
)

__all__ = ["Context", "EmailPlatform", "Model", "Refusal", "Routes", "StrictRequest", "json_of"]


class EmailPlatform(PlayedPlatform):
    """One email tool with its account; a subclass brings its routes and words."""

    family: ClassVar[Literal["ads", "email"]] = "email"
    key_setting: ClassVar[str] = "API_KEY"
    jobs: ClassVar[dict[str, jobs.Work]] = {}
    """What does each kind of job that the tool takes."""

    @classmethod
    def new_id(cls, number: int) -> str:
        """The id of a new person, in the tool's form."""
        return str(number)

    @classmethod
    def work(cls, db: sqlite3.Connection) -> None:
        """Do the jobs that are due."""
        jobs.run_due(db, cls.platform, cls.jobs)

    def wait_seconds(self, context: Context) -> float:
        """How long a job waits before it runs."""
        return context.switches.email_processing_seconds

    def query(self, context: Context, *names: str) -> Mapping[str, str]:
        """The call's parameters. Raises Refusal for one that is not among ``names``."""
        unknown = sorted(set(context.call.query) - set(names))
        if unknown:
            raise Refusal(self.words.refused(400, "invalid_request", f"unknown parameter {unknown[0]}"))
        return context.call.query

    def list_of(self, context: Context, list_id: str) -> EmailList:
        """One list by id. Raises Refusal."""
        found = lists.find(context.db, self.platform, list_id)
        if found is None:
            raise Refusal(self.words.gone(list_id))
        return found
