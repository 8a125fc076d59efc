"""Mailchimp's Marketing API as far as tagged audiences need it: from a call to a reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from connectors.sandbox.mailchimp import (
    batch_calls,
    list_calls,
    lists,
    member_calls,
    segment_calls,
    subscribe_calls,
)
from connectors.sandbox.mailchimp.access import check_key
from connectors.sandbox.mailchimp.context import Context
from connectors.sandbox.mailchimp.errors import NOT_FOUND, Refusal, method_not_allowed
from connectors.sandbox.mailchimp.requests import Operation
from connectors.sandbox.store import Store
from connectors.sandbox.switches import Switches, read_switches
from connectors.sandbox.wire import NO_REJECTION, Call, Platform, Reply

Handler = Callable[..., Reply]

_LIST = "/lists/{list_id}"
_MEMBER = _LIST + "/members/{name}"
_SEGMENT = _LIST + "/segments/{segment_id}"
_MERGE_FIELD = _LIST + "/merge-fields/{merge_id}"

RESOURCES: Mapping[str, Mapping[str, Handler]] = {
    "/": {"GET": list_calls.read_root},
    "/ping": {"GET": list_calls.ping},
    "/lists": {"GET": list_calls.read_lists},
    _LIST: {"GET": list_calls.read_list, "POST": subscribe_calls.batch_subscribe},
    f"{_LIST}/tag-search": {"GET": list_calls.search_tags},
    f"{_LIST}/merge-fields": {"GET": list_calls.read_merge_fields, "POST": list_calls.create_merge_field},
    _MERGE_FIELD: {
        "GET": list_calls.read_merge_field,
        "PATCH": list_calls.update_merge_field,
        "DELETE": list_calls.delete_merge_field,
    },
    f"{_LIST}/members": {"GET": member_calls.read_members, "POST": member_calls.post_member},
    _MEMBER: {
        "GET": member_calls.read_member,
        "PUT": member_calls.put_member,
        "PATCH": member_calls.patch_member,
        "DELETE": member_calls.archive_member,
    },
    f"{_MEMBER}/tags": {"GET": member_calls.read_tags, "POST": member_calls.update_tags},
    f"{_MEMBER}/actions/delete-permanent": {"POST": member_calls.forget_member},
    f"{_LIST}/segments": {"GET": segment_calls.read_segments, "POST": segment_calls.create_segment},
    _SEGMENT: {
        "GET": segment_calls.read_segment,
        "POST": segment_calls.edit_segment,
        "PATCH": segment_calls.update_segment,
        "DELETE": segment_calls.delete_segment,
    },
    f"{_SEGMENT}/members": {
        "GET": segment_calls.read_segment_members,
        "POST": segment_calls.add_segment_member,
    },
    f"{_SEGMENT}/members/{{name}}": {"DELETE": segment_calls.remove_segment_member},
    "/search-members": {"GET": list_calls.search_members},
    "/batches": {"GET": batch_calls.read_batches, "POST": batch_calls.create_batch},
    "/batches/{batch_id}": {"GET": batch_calls.read_batch, "DELETE": batch_calls.delete_batch},
}
_PATTERNS = [
    (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)), methods)
    for template, methods in RESOURCES.items()
]
_RESULTS = re.compile(r"/batch-results/(\w+)\.tar\.gz")
VERSION = "/3.0"


class MailchimpApi:
    """The platform: one account with one key and one list."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.writing() as db:
            lists.create_default(db)

    def handle(self, call: Call) -> Reply:
        """Answer one call, refusals included."""
        results = _RESULTS.fullmatch(call.path)
        if results is not None and call.method == "GET":
            return batch_calls.fetch_results(self._store, call, results[1])
        with self._store.reading() as db:
            switches = read_switches(db)
        try:
            if not call.path.startswith(VERSION + "/") and call.path != VERSION:
                raise Refusal(NOT_FOUND)
            check_key(call, switches)
            below = replace(
                call,
                path=call.path.removeprefix(VERSION).rstrip("/") or "/",
                base_url=call.base_url + VERSION,
            )
            return self._route(below, switches)
        except Refusal as refusal:
            return refusal.problem.reply()

    def perform(self, operation: Operation) -> Reply:
        """One operation of a batch: the same call without the network. Batches can't hold batches."""
        path = "/" + operation.path.strip("/")
        call = Call(
            platform=Platform.MAILCHIMP,
            number=0,
            method=operation.method,
            path=path,
            query={name: _as_text(value) for name, value in operation.params.items()},
            headers={"content-type": "application/json"},
            body=(operation.body or "").encode(),
            base_url="",
            rejection=NO_REJECTION,
        )
        with self._store.reading() as db:
            switches = read_switches(db)
        try:
            if path.startswith("/batches"):
                raise Refusal(NOT_FOUND)
            return self._route(call, switches)
        except Refusal as refusal:
            return refusal.problem.reply()

    def _route(self, call: Call, switches: Switches) -> Reply:
        context = Context(self._store, call, switches)
        for pattern, methods in _PATTERNS:
            match = pattern.fullmatch(call.path)
            if match is None:
                continue
            handler = methods.get(call.method)
            if handler is None:
                raise Refusal(method_not_allowed(sorted(methods)))
            return handler(context, **match.groupdict())
        raise Refusal(NOT_FOUND)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
