"""Accounts at a scripted Google, and Google's error model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.base import Audience
from connectors.google import GoogleConnector
from connectors.testing import FastTime
from tests.connectors.oauth_account import batch, signed_in, table
from tests.connectors.server import Reply, Scripted

LIST = Audience("7090784486", "Lapsed")
MARY = "548cf1bc59f0afaee88997eea6fd52a61684424d480ae74f9d45ce83a7ab45b1"


def account(server: Scripted, time: FastTime, folder: Path, **more: Any) -> Any:
    """A connector whose terms are accepted."""
    usual = {"operating_account": "123-456-7890", "accept_customer_match_terms": True}
    return signed_in(GoogleConnector, server, time, folder, **{**usual, **more})


def error(status: int, name: str, *reasons: str, fields: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Google's error model."""
    details: list[dict[str, Any]] = [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason} for reason in reasons
    ]
    violations = [{"field": path, "description": "ann@example.com", "reason": why} for path, why in fields]
    details += [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}]
    details += [{"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "trace-1"}]
    told = {"code": status, "message": "ann@example.com is odd", "status": name, "details": details}
    return Reply(status, {"error": told})


def add(opened: Any, *emails: str) -> Any:
    """Add people known by an address."""
    return opened.add(LIST, table(emailAddress=list(emails)), batch("add", len(emails)))
