"""Meta's Graph API as far as custom audiences need it: from a call to a reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_META_AD_ACCOUNT, SANDBOX_META_USER
from connectors.sandbox.meta import account_edges, audience_edges, audiences
from connectors.sandbox.meta.access import check_token, path_below_version
from connectors.sandbox.meta.context import Context
from connectors.sandbox.meta.errors import GraphError, GraphRefusal, invalid, missing_object, unknown_path
from connectors.sandbox.meta.parameters import Parameters, read_parameters
from connectors.sandbox.meta.usage import Meter
from connectors.sandbox.store import Store
from connectors.sandbox.switches import Switches, read_switches
from connectors.sandbox.wire import Call, Reply, json_reply

ACCOUNT_EDGES: Mapping[tuple[str, str], Callable[[Context], Reply]] = {
    ("GET", ""): account_edges.read_account,
    ("GET", "customaudiences"): account_edges.list_audiences,
    ("POST", "customaudiences"): account_edges.create_audience,
    ("GET", "customaudiencestos"): account_edges.read_terms,
    ("DELETE", "usersofanyaudience"): account_edges.remove_everywhere,
}
AUDIENCE_EDGES: Mapping[tuple[str, str], Callable[[Context, str], Reply]] = {
    ("GET", ""): audience_edges.read_audience,
    ("POST", ""): audience_edges.update_audience,
    ("DELETE", ""): audience_edges.delete_audience,
    ("POST", "users"): audience_edges.add_users,
    ("DELETE", "users"): audience_edges.remove_users,
    ("POST", "usersreplace"): audience_edges.replace_users,
    ("GET", "sessions"): audience_edges.list_sessions,
}
_NODE_AND_EDGE = re.compile(r"/(?P<node>[^/]+)(?:/(?P<edge>[^/]+))?/?")


class MetaApi:
    """The platform: one ad account of one business, with one token."""

    def __init__(self, store: Store, meter: Meter | None = None) -> None:
        self._store = store
        self._meter = meter or Meter(self._now)

    def _now(self) -> float:
        with self._store.reading() as db:
            return clock.now(db)

    def handle(self, call: Call) -> Reply:
        """Answer one call, refusals included."""
        with self._store.reading() as db:
            switches = read_switches(db)
            count = audiences.count(db, SANDBOX_META_AD_ACCOUNT)
        try:
            reply = self._answer(call, switches)
        except GraphRefusal as refusal:
            node = _NODE_AND_EDGE.fullmatch(re.sub(r"^/v[\d.]+", "", call.path))
            named = node["node"] if node and node["node"].isdecimal() else None
            reply = refusal.error.reply(audience=named)
        return replace(reply, headers={**self._meter.headers(switches.meta_tier, count), **reply.headers})

    def _answer(self, call: Call, switches: Switches) -> Reply:
        path = path_below_version(call)
        parameters = read_parameters(call)
        check_token(call, parameters, switches)
        throttled = self._meter.charge(parameters.method, switches.meta_tier)
        if throttled is not None:
            raise GraphRefusal(throttled)
        return self._route(path, Context(self._store, call, parameters, switches), parameters)

    def _route(self, path: str, context: Context, parameters: Parameters) -> Reply:
        match = _NODE_AND_EDGE.fullmatch(path)
        if match is None:
            raise GraphRefusal(unknown_path(path))
        node, edge = match["node"], match["edge"] or ""
        if node == "me" and parameters.method == "GET" and not edge:
            return json_reply(
                {"id": SANDBOX_META_USER, "name": "Sandbox system user"}, outcome="token checked"
            )
        if node == SANDBOX_META_AD_ACCOUNT:
            account_edge = ACCOUNT_EDGES.get((parameters.method, edge))
            if account_edge is None:
                raise GraphRefusal(
                    _no_such_edge(edge, {known for _, known in ACCOUNT_EDGES}, node, parameters.method)
                )
            return account_edge(context)
        if not node.isdecimal():
            raise GraphRefusal(missing_object(node, parameters.method))
        audience_edge = AUDIENCE_EDGES.get((parameters.method, edge))
        if audience_edge is None:
            raise GraphRefusal(
                _no_such_edge(edge, {known for _, known in AUDIENCE_EDGES}, node, parameters.method)
            )
        return audience_edge(context, node)


def _no_such_edge(edge: str, known: set[str], node: str, method: str) -> GraphError:
    """A GET of an unknown edge reads like an unknown field; anything else like an unknown path."""
    if edge in known and method != "GET":
        return missing_object(node, method)
    if method == "GET":
        return invalid(f"Tried accessing nonexisting field ({edge})")
    return unknown_path(f"/{edge}")
