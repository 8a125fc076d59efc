"""A remote platform that outlives its callers: a loopback server in the judge's process, told what to do by rows.

It knows three ways to change an audience: at once, in a session of several requests (its parts count as they
come, so that a session left open has half of its people), and as a job that runs after it was accepted. As ad
platforms do, it keeps the identifiers it was sent and matches a removal by any of them.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Handle = tuple[str | None, str | None]
"""Digest of the e-mail, digest of the phone."""

Trouble = Literal[
    "rejected", "counted", "named", "unnamed", "refused", "unanswered", "html", "passing", "staying"
]
"""What a row does to the request that holds it.

rejected    it is not taken and named, the others are
counted     it is not taken, and only how many were not is told
named       the request is refused because of it, and says so
unnamed     the request is refused because of it, and doesn't say so
refused     the request is refused, once
unanswered  the request is applied and has no answer, once
html        the request is not applied and answered by a page with status 200, once
passing     it is not taken for now and named, once
staying     it is not taken out and named, once
"""


@dataclass(slots=True)
class Job:
    """Rows that are worked off later; ``verdict`` is what a poll answers then."""

    audience: str
    op: str
    rows: list[Handle]
    verdict: dict[str, Any] | None = None


@dataclass(slots=True)
class State:
    """What the platform remembers."""

    audiences: dict[str, set[Handle]] = field(default_factory=dict)
    markers: dict[str, str] = field(default_factory=dict)
    """Audience by the mark it was created with."""
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Operation and audience of sessions that are open."""
    jobs: dict[str, Job] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    """By the digest of an e-mail."""
    asked: list[tuple[str, Handle]] = field(default_factory=list)
    """Every row of every request that was understood, with its operation, in order."""
    dropped: set[Handle] = field(default_factory=set)
    """Who was on the platform and is not any more, by the platform's own doing."""
    by_hand: set[Handle] = field(default_factory=set)
    """Whom somebody else put there."""
    made: int = 0


@dataclass(slots=True)
class Killing:
    """End the caller at the n-th visit of a moment of the wire, by this signal."""

    point: str
    nth: int


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class NoReply(Exception):
    """The connection ends without an answer."""


class Page(Exception):
    """A page for people where a program expects JSON."""


class RemotePlatform:
    """The server. ``state`` may be read and replaced while nobody calls."""

    def __init__(self) -> None:
        self.state = State()
        self.killing: Killing | None = None
        self.visits: Counter[str] = Counter()
        self.batches: set[str] = set()
        """Ids of the batches whose requests have come since the last `watch_out_for`."""
        self.lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens on the loopback interface."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def snapshot(self) -> State:
        """A copy of what it remembers."""
        return copy.deepcopy(self.state)

    def restore(self, state: State) -> None:
        """Remember that instead, with no request counted and nobody to be killed."""
        with self.lock:
            self.state = copy.deepcopy(state)
            self.watch_out_for(None)

    def watch_out_for(self, killing: Killing | None) -> None:
        """Count moments anew, and kill at one of them."""
        self.killing = killing
        self.visits = Counter()
        self.batches = set()

    def members(self, *segments: str) -> set[Handle]:
        """Who is in the audience of the first of these segments that has one."""
        marks = [
            mark for mark in (f"turnout:{segment}" for segment in segments) if mark in self.state.markers
        ]
        return people_found(self.state.audiences.get(self.state.markers[marks[0]], set())) if marks else set()

    def delete_audiences(self) -> None:
        """Somebody deletes every audience behind our back."""
        for members in self.state.audiences.values():
            self.state.dropped |= members
        self.state.audiences.clear()
        self.state.markers.clear()

    def change_by_hand(self, put_in: set[Handle], take_out: set[Handle]) -> None:
        """Somebody changes every audience on the platform's pages."""
        for members in self.state.audiences.values():
            self.state.dropped |= members & take_out
            members -= take_out
            members |= put_in
        self.state.by_hand |= put_in

    def late_copy(self, op: str) -> None:
        """Copies of all requests of one operation so far are processed once more, in their order, after the rest."""
        for members in self.state.audiences.values():
            for asked, row in self.state.asked:
                if asked == op == "add":
                    members.add(row)
                elif asked == op == "remove":
                    self.state.dropped |= members & {row}
                    members.discard(row)

    def work(self) -> None:
        """Time passes: every job is worked off, in the order in which they came."""
        with self.lock:
            for job in self.state.jobs.values():
                if job.verdict is None:
                    job.verdict = self._work_off(job)

    def _work_off(self, job: Job) -> dict[str, Any]:
        try:
            return self._apply(job.op, job.audience, job.rows)
        except (Refusal, NoReply, Page) as error:
            return {"failed": type(error).__name__}

    # --- what callers ask ----------------------------------------------------------------------------------

    def answer(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks for; the caller may be killed before or after."""
        with self.lock:
            self.batches |= {body["batch"]} if "batch" in body else set()
            moment = f"wire.{body.get('op', action)}"
            self._visit(f"{moment}.received", body["pid"])
            try:
                return _ACTIONS[action](self, body)
            finally:
                self._visit(f"{moment}.applied", body["pid"])

    def _visit(self, point: str, pid: int) -> None:
        self.visits[point] += 1
        if self.killing and (point, self.visits[point]) == (self.killing.point, self.killing.nth):
            os.kill(pid, signal.SIGKILL)
            raise NoReply

    def open(self, body: dict[str, Any]) -> dict[str, Any]:
        """Find an audience by id or mark, or create it."""
        known = body["known"] or self.state.markers.get(body["marker"])
        if known is not None:
            self._audience(known)
            return {"id": known}
        made = self._new_id("a")
        self.state.audiences[made] = set()
        self.state.markers[body["marker"]] = made
        return {"id": made}

    def apply(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change an audience at once."""
        return self._apply(body["op"], body["audience"], _rows(body))

    def begin(self, body: dict[str, Any]) -> dict[str, Any]:
        """Open a session."""
        self._audience(body["audience"])
        session = self._new_id("s")
        self.state.sessions[session] = (body["op"], body["audience"])
        return {"session": session}

    def part(self, body: dict[str, Any]) -> dict[str, Any]:
        """Some rows of a session, which count as they come."""
        op, audience = self.state.sessions[body["session"]]
        return self._apply(op, audience, _rows(body))

    def finish(self, body: dict[str, Any]) -> dict[str, Any]:
        """Close a session."""
        del self.state.sessions[body["session"]]
        return {}

    def submit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Accept a job; rows that fail a whole request are refused at once."""
        self._audience(body["audience"])
        rows = _rows(body)
        self._refuse_rows(body["op"], rows)
        job = self._new_id("j")
        self.state.jobs[job] = Job(body["audience"], body["op"], rows)
        if self._once("unanswered", rows):
            raise NoReply
        return {"job": job}

    def poll(self, body: dict[str, Any]) -> dict[str, Any]:
        """The verdict on a job, if there is one."""
        job = self.state.jobs[body["job"]]
        return {"pending": True} if job.verdict is None else job.verdict

    def listing(self, body: dict[str, Any]) -> dict[str, Any]:
        """Everybody in an audience."""
        return {"rows": sorted(self._audience(body["audience"]), key=str)}

    # --- how it is done ------------------------------------------------------------------------------------

    def _new_id(self, kind: str) -> str:
        self.state.made += 1
        return f"{kind}{self.state.made}"

    def _audience(self, audience: str) -> set[Handle]:
        if audience not in self.state.audiences:
            raise Refusal(404, {"error": "no such audience"})
        return self.state.audiences[audience]

    def _apply(self, op: str, audience: str, rows: list[Handle]) -> dict[str, Any]:
        members = self._audience(audience)
        self._refuse_rows(op, rows)
        if self._once("html", rows):
            raise Page
        rejected = self._not_taken(rows) if op == "add" else self._not_taken_out(rows)
        counted = self._counted(rows) if op == "add" else set()
        for position, row in enumerate(rows):
            self.state.asked.append((op, row))
            if position in rejected or position in counted:
                continue
            if op == "remove":
                members -= {
                    m for m in members if any(a == b is not None for a, b in zip(m, row, strict=True))
                }
            else:
                members.add(row)
        if self._once("unanswered", rows):
            raise NoReply
        return {"rejected": rejected, "counted": len(counted)}

    def _not_taken(self, rows: list[Handle]) -> dict[int, str]:
        for_good = {n: "invalid" for n, row in enumerate(rows) if self._trouble(row) == "rejected"}
        for_now = {n: "passing" for n, row in enumerate(rows) if self._trouble(row) == "passing"}
        self._once("passing", rows)
        return for_good | for_now

    def _counted(self, rows: list[Handle]) -> set[int]:
        return {n for n, row in enumerate(rows) if self._trouble(row) == "counted"}

    def _not_taken_out(self, rows: list[Handle]) -> dict[int, str]:
        staying = {n: "busy" for n, row in enumerate(rows) if self._trouble(row) == "staying"}
        self._once("staying", rows)
        return staying

    def _refuse_rows(self, op: str, rows: list[Handle]) -> None:
        if self._once("refused", rows):
            raise Refusal(409, {"error": "not now"})
        if op == "remove":
            return
        if named := {n: "malformed" for n, row in enumerate(rows) if self._trouble(row) == "named"}:
            raise Refusal(400, {"error": "rows are not acceptable", "rows": named})
        if any(self._trouble(row) == "unnamed" for row in rows):
            raise Refusal(400, {"error": "a row is not acceptable"})

    def _trouble(self, row: Handle) -> Trouble | None:
        return self.state.troubles.get(row[0]) if row[0] else None

    def _once(self, trouble: Trouble, rows: list[Handle]) -> bool:
        makers = [row[0] for row in rows if row[0] and self._trouble(row) == trouble]
        for maker in makers:
            del self.state.troubles[maker]
        return bool(makers)


_ACTIONS = {
    "open": RemotePlatform.open,
    "apply": RemotePlatform.apply,
    "begin": RemotePlatform.begin,
    "part": RemotePlatform.part,
    "finish": RemotePlatform.finish,
    "submit": RemotePlatform.submit,
    "poll": RemotePlatform.poll,
    "listing": RemotePlatform.listing,
}


def people_found(rows: set[Handle]) -> set[Handle]:
    """The rows that count: one whose every identifier is another's too finds nobody whom the other doesn't find."""
    return {row for row in rows if not any(_covers(other, row) for other in rows - {row})}


def _covers(other: Handle, row: Handle) -> bool:
    return all(identifier in (None, others) for identifier, others in zip(row, other, strict=True))


def _rows(body: dict[str, Any]) -> list[Handle]:
    return [(email, phone) for email, phone in body["rows"]]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, platform: RemotePlatform) -> None:
        self.platform = platform
        super().__init__(("127.0.0.1", 0), _Caller)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that died in the middle of a request is what this server is for."""


class _Caller(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            self._reply(200, json.dumps(self.server.platform.answer(self.path.strip("/"), body)))
        except Refusal as refusal:
            self._reply(refusal.status, json.dumps(refusal.body))
        except Page:
            self._reply(200, "<html><title>Please come back later</title></html>")
        except NoReply:
            self.close_connection = True

    def _reply(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
