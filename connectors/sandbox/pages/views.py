"""The pages' routes. Templates escape everything; identifiers reach them masked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import parse_qsl

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from connectors.sandbox import clock
from connectors.sandbox.accounts import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_TOKEN,
    SANDBOX_PRACTICE_TOKEN,
)
from connectors.sandbox.faults.board import FaultBoard, Posted
from connectors.sandbox.faults.catalogue import own_settings
from connectors.sandbox.faults.reading import KINDS, FaultRuleError, parse_faults
from connectors.sandbox.pages.chart import draw
from connectors.sandbox.pages.masking import mask_email, mask_row
from connectors.sandbox.registry import PLAYED
from connectors.sandbox.state import SandboxState
from connectors.sandbox.switches import Switches
from connectors.sandbox.wire import Platform

TITLES = {
    Platform.META: "Meta",
    **{platform: played.title for platform, played in PLAYED.items()},
    Platform.MAILCHIMP: "Mailchimp",
    Platform.PRACTICE: "Practice platform",
}
SHOWN_MEMBERS = 25
LOG_PAGE = 100
# Templates can't run scripts or load anything from elsewhere, whatever an audience is called.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one sandbox."""

    state: SandboxState
    board: FaultBoard
    clock_moved: Callable[[], Awaitable[None]]
    environment: Environment

    def routes(self) -> list[Route]:
        """All routes of the pages."""
        return [
            Route("/", self.home, methods=["GET"]),
            Route("/style.css", self.style, methods=["GET"]),
            Route("/audiences/{platform}/{audience}", self.audience, methods=["GET"]),
            Route("/requests", self.requests, methods=["GET"]),
            Route("/faults", self.faults, methods=["GET"]),
            Route("/faults", self.add_fault, methods=["POST"]),
            Route("/faults/clear", self.clear_faults, methods=["POST"]),
            Route("/faults/remove/{position:int}", self.remove_fault, methods=["POST"]),
            Route("/switches", self.set_switches, methods=["POST"]),
            Route("/clock", self.advance_clock, methods=["POST"]),
        ]

    def home(self, request: Request) -> Response:
        """Platforms, audiences with sizes, and the last requests."""
        audiences = self.state.audiences()
        return self._page(
            "home.html",
            "Overview",
            by_platform={p: [a for a in audiences if a.platform == p] for p in TITLES},
            without=[title for p, title in TITLES.items() if p not in {a.platform for a in audiences}],
            largest=max((a.size for a in audiences), default=0) or 1,
            titles=TITLES,
            statuses=self.state.contact_counts(),
            resubscribed=len(self.state.resubscribed()),
            requests=self.state.requests(limit=12),
            posted=self.board.posted(),
            environment=connection_settings(str(request.base_url).rstrip("/")),
        )

    def style(self, _: Request) -> Response:
        """The one style sheet."""
        css = files("connectors.sandbox.pages").joinpath("style.css").read_bytes()
        return Response(css, media_type="text/css", headers=SECURITY_HEADERS)

    def audience(self, request: Request) -> Response:
        """One audience: size over time, adds and removes by request, some members masked."""
        platform, audience_id = request.path_params["platform"], request.path_params["audience"]
        found = next((a for a in self.state.audiences(platform) if a.id == audience_id), None)
        if found is None:
            return self._page("missing.html", "No such audience", status=404)
        changes = self.state.changes(platform, audience_id)
        mask = _mask_address if platform == Platform.MAILCHIMP else mask_row
        rows = [mask(row) for row in self.state.members(platform, audience_id, limit=SHOWN_MEMBERS)]
        return self._page(
            "audience.html",
            found.name,
            audience=found,
            title=TITLES[Platform(platform)],
            chart=draw(changes),
            changes=list(reversed(changes))[:LOG_PAGE],
            added=sum(change.added for change in changes),
            removed=sum(change.removed for change in changes),
            columns=list(dict.fromkeys(name for row in rows for name in row)),
            rows=rows,
        )

    def requests(self, request: Request) -> Response:
        """The request log with filters."""
        query = request.query_params
        chosen = {name: query.get(name, "") for name in ("platform", "method", "audience", "failed")}
        before = query.get("before", "")
        log = self.state.requests(
            chosen["platform"] or None,
            chosen["method"] or None,
            audience=chosen["audience"] or None,
            only_failed=bool(chosen["failed"]),
            before=int(before) if before.isdecimal() else None,
            limit=LOG_PAGE + 1,
        )
        return self._page(
            "requests.html",
            "Requests",
            chosen=chosen,
            requests=log[:LOG_PAGE],
            older=log[LOG_PAGE - 1].id if len(log) > LOG_PAGE else None,
            platforms=TITLES,
            methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            audiences=self.state.audiences(),
        )

    def faults(self, _: Request) -> Response:
        """Rules in force and the standing conditions of the accounts."""
        return self._faults_page("", 200)

    async def add_fault(self, request: Request) -> Response:
        """Put up one rule from the form."""
        form = await _form(request)
        rule: dict[str, object] = {
            name: form[name] for name in ("platform", "method", "path") if form.get(name)
        }
        rule["effect"] = form.get("effect", "")
        for setting in form.get("settings", "").split(","):
            name, separator, value = setting.partition("=")
            if separator:
                rule[name.strip()] = value.strip()
        rule |= {name: form[name] for name in ("after", "every", "times") if form.get(name)}
        try:
            (parsed,) = parse_faults([rule], "form")
        except FaultRuleError as error:
            return self._faults_page(str(error), 400)
        self.board.add(parsed)
        return RedirectResponse("/faults", 303)

    def clear_faults(self, _: Request) -> Response:
        """Take down all rules."""
        self.board.replace(())
        return RedirectResponse("/faults", 303)

    def remove_fault(self, request: Request) -> Response:
        """Take down one rule; a stale page's number is no error."""
        if request.path_params["position"] < len(self.board.posted()):
            self.board.remove(request.path_params["position"])
        return RedirectResponse("/faults", 303)

    async def advance_clock(self, request: Request) -> Response:
        """Let some hours pass."""
        hours = (await _form(request)).get("hours", "")
        try:
            self.state.advance_clock(float(hours) * 3_600)
        except ValueError:
            return self._faults_page("hours: a positive number is needed", 400)
        await self.clock_moved()
        return RedirectResponse("/faults", 303)

    async def set_switches(self, request: Request) -> Response:
        """Set all switches from the form, where an unticked box is simply absent."""
        form = await _form(request)
        wish = {
            name: form.get(name, "false" if field.annotation is bool else field.default)
            for name, field in Switches.model_fields.items()
        }
        try:
            self.state.set_switches(**wish)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return self._faults_page(f"{first['loc'][0]}: {first['msg']}", 400)
        return RedirectResponse("/faults", 303)

    def _faults_page(self, error: str, status: int) -> Response:
        return self._page(
            "faults.html",
            "Faults",
            status=status,
            error=error,
            posted=[(entry, _when(entry), _settings(entry)) for entry in self.board.posted()],
            kinds={
                name: (kind.summary, kind.__doc__ or "", list(own_settings(kind)))
                for name, kind in KINDS.items()
            },
            platforms=TITLES,
            methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            switches=self.state.switches().model_dump(),
            switch_fields=Switches.model_fields,
            now=clock.text(self.state.now()),
            waiting=self.board.waiting(),
        )

    def _page(self, template: str, heading: str, *, status: int = 200, **values: object) -> HTMLResponse:
        html = self.environment.get_template(template).render(heading=heading, page=template, **values)
        return HTMLResponse(html, status, headers=SECURITY_HEADERS)


def make_pages(state: SandboxState, board: FaultBoard, clock_moved: Callable[[], Awaitable[None]]) -> Pages:
    """The pages over one state and one fault board."""
    environment = Environment(
        loader=PackageLoader("connectors.sandbox.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["clock"] = lambda text: text[:19].replace("T", " ")
    return Pages(state, board, clock_moved, environment)


def connection_settings(url: str) -> dict[str, str]:
    """The environment variables that point Turnout at the sandbox on this address."""
    return {
        "TURNOUT_META_BASE_URL": f"{url}/meta",
        "TURNOUT_META_AD_ACCOUNT": SANDBOX_META_AD_ACCOUNT,
        "TURNOUT_META_TOKEN": SANDBOX_META_TOKEN,
        "TURNOUT_MAILCHIMP_BASE_URL": f"{url}/mailchimp/3.0",
        "TURNOUT_MAILCHIMP_LIST_ID": SANDBOX_MAILCHIMP_LIST,
        "TURNOUT_MAILCHIMP_API_KEY": SANDBOX_MAILCHIMP_KEY,
        "TURNOUT_PRACTICE_BASE_URL": f"{url}/practice",
        "TURNOUT_PRACTICE_TOKEN": SANDBOX_PRACTICE_TOKEN,
        **{
            f"TURNOUT_{platform.upper()}_{name}": value.format(url=f"{url}/{platform}")
            for platform, played in PLAYED.items()
            for name, value in {"BASE_URL": f"{{url}}{played.mount}", **played.settings}.items()
        },
    }


def _mask_address(row: dict[str, str]) -> dict[str, str]:
    return {name: mask_email(value) for name, value in row.items()}


def _when(entry: Posted) -> str:
    rule = entry.rule
    which = "every request" if rule.every == 1 else f"one request in {rule.every}"
    start = f", after {rule.after} passed" if rule.after else ""
    end = f", at most {rule.times} ×" if rule.times else ""
    return which + start + end


def _settings(entry: Posted) -> str:
    own = own_settings(type(entry.rule))
    values = entry.rule.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{name}={values[name]}" for name in own if name in values)


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True))
