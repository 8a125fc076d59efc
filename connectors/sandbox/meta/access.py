"""Whether a call may go further: the version in its path, its token, and the proof of the app's secret."""

from __future__ import annotations

import hashlib
import hmac
import re

from connectors.sandbox.accounts import SANDBOX_META_APP_SECRET, SANDBOX_META_TOKEN
from connectors.sandbox.meta.errors import (
    BAD_TOKEN,
    EXPIRED_TOKEN,
    NO_PROOF,
    NO_TOKEN,
    WRONG_PROOF,
    GraphRefusal,
    retired_version,
)
from connectors.sandbox.meta.parameters import Parameters
from connectors.sandbox.switches import Switches
from connectors.sandbox.wire import Call

VERSIONS = ("v25.0", "v26.0")
"""Versions in force: v26.0 came on 2026-07-29; v24.0 ended for the Marketing API on 2026-10-06."""

_VERSIONED = re.compile(r"/(v\d+\.\d+)(/.*)?")


def path_below_version(call: Call) -> str:
    """The path after ``/vNN.0``. Raises GraphRefusal 2635 for no version, a retired or an unknown one."""
    match = _VERSIONED.fullmatch(call.path)
    if match is None or match[1] not in VERSIONS:
        raise GraphRefusal(retired_version(VERSIONS[-1]))
    return match[2] or "/"


def check_token(call: Call, parameters: Parameters, switches: Switches) -> None:
    """Raises GraphRefusal when the token is missing, wrong or expired, or the proof is missing or wrong."""
    token = _token(call, parameters)
    if token is None:
        raise GraphRefusal(NO_TOKEN)
    if not hmac.compare_digest(token.encode(), SANDBOX_META_TOKEN.encode()):
        raise GraphRefusal(BAD_TOKEN)
    if switches.meta_token_expired:
        raise GraphRefusal(EXPIRED_TOKEN)
    _check_proof(token, parameters, switches)


def _token(call: Call, parameters: Parameters) -> str | None:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme in ("Bearer", "OAuth") and token:
        return token
    return parameters.text("access_token")


def _check_proof(token: str, parameters: Parameters, switches: Switches) -> None:
    proof = parameters.text("appsecret_proof")
    if proof is None:
        if switches.meta_appsecret_required:
            raise GraphRefusal(NO_PROOF)
        return
    time = parameters.values.get("appsecret_time")
    message = token if time is None else f"{token}|{time}"
    expected = hmac.new(SANDBOX_META_APP_SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(proof.encode(), expected.encode()):
        raise GraphRefusal(WRONG_PROOF)
