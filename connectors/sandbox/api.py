"""The sandbox's own JSON API under ``/sandbox/api``: what tests read, and what they may set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from json import JSONDecodeError
from typing import get_args

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_MAILCHIMP_LIST
from connectors.sandbox.faults.board import FaultBoard
from connectors.sandbox.faults.reading import FaultRuleError, parse_faults
from connectors.sandbox.mailchimp.contacts import LeftBy, Status
from connectors.sandbox.state import SandboxState
from connectors.sandbox.wire import Platform


def refusal(message: str, status: int = 400) -> JSONResponse:
    """An error of the sandbox itself, in plain words."""
    return JSONResponse({"error": message}, status)


def api_routes(
    state: SandboxState, board: FaultBoard, clock_moved: Callable[[], Awaitable[None]]
) -> list[Route]:
    """All routes of the API; ``clock_moved`` lets happen what was waiting for its time."""

    async def audiences(request: Request) -> Response:
        return JSONResponse([asdict(a) for a in state.audiences(request.query_params.get("platform"))])

    async def members(request: Request) -> Response:
        platform, audience = request.query_params.get("platform"), request.query_params.get("audience", "")
        if platform not in list(Platform):
            return refusal(f"platform must be one of {', '.join(Platform)}")
        try:
            found = state.audience(platform, audience)
        except KeyError as error:
            return refusal(str(error.args[0]), 404)
        if platform == Platform.MAILCHIMP:
            return JSONResponse(state.mailchimp_members(found.id))
        return JSONResponse(state.members(platform, found.id))

    async def requests(request: Request) -> Response:
        query = request.query_params
        limit = query.get("limit", "1000")
        if not limit.isdecimal():
            return refusal("limit must be a number")
        return JSONResponse(
            [asdict(r) for r in state.requests(query.get("platform"), query.get("method"), limit=int(limit))]
        )

    async def contacts(request: Request) -> Response:
        return JSONResponse(
            [asdict(c) for c in state.contacts(request.query_params.get("list", SANDBOX_MAILCHIMP_LIST))]
        )

    async def put_contacts(request: Request) -> Response:
        wish = await _json(request)
        if not isinstance(wish, dict) or not set(wish) <= {"emails", "status", "left_by"}:
            return refusal("expected an object with emails, and optionally status and left_by")
        emails, status, left_by = wish.get("emails"), wish.get("status", "subscribed"), wish.get("left_by")
        if not isinstance(emails, list) or not all(isinstance(email, str) for email in emails):
            return refusal("emails must be a list of addresses")
        if status not in get_args(Status):
            return refusal(f"status must be one of {', '.join(get_args(Status))}")
        if left_by is not None and left_by not in get_args(LeftBy):
            return refusal(f"left_by must be one of {', '.join(get_args(LeftBy))}")
        try:
            return JSONResponse({"created": state.put_contacts(emails, status, left_by=left_by)})
        except ValueError as error:
            return refusal(str(error))

    async def status_changes(_: Request) -> Response:
        return JSONResponse(
            {
                "changes": [asdict(change) for change in state.status_changes()],
                "resubscribed": [asdict(change) for change in state.resubscribed()],
            }
        )

    async def faults(_: Request) -> Response:
        return JSONResponse(
            [
                {
                    **p.rule.model_dump(mode="json", exclude_defaults=True),
                    "matched": p.matched,
                    "fired": p.fired,
                }
                for p in board.posted()
            ]
        )

    async def put_faults(request: Request) -> Response:
        try:
            rules = parse_faults(await _json(request))
        except FaultRuleError as error:
            return refusal(str(error))
        board.replace(rules)
        return JSONResponse({"rules": len(rules)})

    async def clear_faults(_: Request) -> Response:
        board.replace(())
        return Response(status_code=204)

    async def switches(_: Request) -> Response:
        return JSONResponse(state.switches().model_dump())

    async def set_switches(request: Request) -> Response:
        wish = await _json(request)
        if not isinstance(wish, dict):
            return refusal("expected an object of switches")
        try:
            return JSONResponse(state.set_switches(**wish).model_dump())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return refusal(f"switch {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}")

    async def read_clock(_: Request) -> Response:
        return JSONResponse({"now": clock.text(state.now())})

    async def advance_clock(request: Request) -> Response:
        wish = await _json(request)
        if (
            not isinstance(wish, dict)
            or set(wish) != {"seconds"}
            or type(wish["seconds"]) not in (int, float)
        ):
            return refusal('expected {"seconds": a number}')
        try:
            now = state.advance_clock(wish["seconds"])
        except ValueError as error:
            return refusal(str(error))
        await clock_moved()
        return JSONResponse({"now": clock.text(now)})

    async def folder(_: Request) -> Response:
        return JSONResponse({"folder": str(state.folder.resolve())})

    prefix = "/sandbox/api"
    return [
        Route(f"{prefix}/folder", folder, methods=["GET"]),
        Route(f"{prefix}/audiences", audiences, methods=["GET"]),
        Route(f"{prefix}/members", members, methods=["GET"]),
        Route(f"{prefix}/requests", requests, methods=["GET"]),
        Route(f"{prefix}/contacts", contacts, methods=["GET"]),
        Route(f"{prefix}/contacts", put_contacts, methods=["POST"]),
        Route(f"{prefix}/status-changes", status_changes, methods=["GET"]),
        Route(f"{prefix}/faults", faults, methods=["GET"]),
        Route(f"{prefix}/faults", put_faults, methods=["POST"]),
        Route(f"{prefix}/faults", clear_faults, methods=["DELETE"]),
        Route(f"{prefix}/clock", read_clock, methods=["GET"]),
        Route(f"{prefix}/clock", advance_clock, methods=["POST"]),
        Route(f"{prefix}/switches", switches, methods=["GET"]),
        Route(f"{prefix}/switches", set_switches, methods=["POST"]),
    ]


async def _json(request: Request) -> object:
    """The body as JSON; None when it is not, which no caller accepts."""
    try:
        content: object = await request.json()
    except (JSONDecodeError, UnicodeDecodeError):
        return None
    return content
