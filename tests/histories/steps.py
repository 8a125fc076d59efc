"""All that may happen in a history: one function a kind of step, with how often it is to happen.

Each draws what it needs, does it, and says in a few words what it did. Few people, few identifiers and many
changes of mind make the interesting situations common.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from pipelines.delivery.guards import Overrides
from tests.delivery.world import HASHED, IDENTITY, digest
from tests.histories.draw import Draw
from tests.histories.history import EVERYTHING_ALLOWED, PEOPLE, History, Night
from tests.histories.platform import Style, Way

EMAILS = [f"p{n}@example.com" for n in range(4)] + [" P1@example.com", "new@example.com", None]
PHONES = ["2025550000", "2025550001", "(202) 555-0002", None]
NAMES = ["vip", "new", "gold", "base"]
REFUSALS = ["refuse", "lost_before", "lost_after", "retried_then_refused", "connector_bug"]
STOPS = ["quota", "auth", "action", "deleted"]
REQUEST_FAULTS = [
    "none",
    "none",
    *REFUSALS,
    "lost_before",
    "lost_before",
    "lost_after",
    "twice",
    "late",
    "late",
    *STOPS,
    "die_before",
    "die_after",
]
OPENING_FAULTS = ["none", "none", "none", "refuse", "lost_before", "lost_after", "auth", "die_after"]
POLL_FAULTS = ["none", "lost_before", "auth"]
NOBODY = Overrides()
BOUNDARIES = 90
"""About as many as a run of two audiences passes."""

Step = Callable[[History, Draw], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of step."""

    name: str
    weight: int
    act: Step


RULES: list[Rule] = []


def rule(weight: int) -> Callable[[Step], Step]:
    """Register a kind of step."""

    def register(act: Step) -> Step:
        RULES.append(Rule(act.__name__, weight, act))
        return act

    return register


def begin(draw: Draw) -> History:
    """A history on some kind of platform."""
    history = History(
        draw.among(list(Way)),
        draw.among(list(Style)),
        draw.among([None, timedelta(days=10)]),
        draw.among([timedelta(0), timedelta(hours=12), timedelta(hours=12)]),
        exact_counts=draw.among([False, True]),
        segments=draw.among([1, 1, 2]),
    )
    history.platform.identity = draw.among([IDENTITY, HASHED])
    history.platform.bad = {str(digest(email)) for email in draw.some(EMAILS[:4], 1)}
    return history


# --- people ------------------------------------------------------------------------------------------------------


@rule(6)
def somebody_joins_or_leaves(history: History, draw: Draw) -> str:
    """A person enters or leaves a segment."""
    names = history.alive()
    if not names:
        return "no segment is left to join"
    name, number = draw.among(names), draw.number(0, PEOPLE - 1)
    history.definitions[name].people ^= {number}
    history.compute(name)
    return f"{name} is now {sorted(history.definitions[name].people)}"


@rule(2)
def a_segment_turns_over(history: History, draw: Draw) -> str:
    """Quite other people are in a segment, or nobody at all."""
    names = history.alive()
    if not names:
        return "no segment is left to turn over"
    name = draw.among(names)
    history.definitions[name].people = set(draw.some(range(PEOPLE), draw.among([0, 2, PEOPLE])))
    history.compute(name)
    return f"{name} is now {sorted(history.definitions[name].people)}"


@rule(4)
def an_email_changes(history: History, draw: Draw) -> str:
    """To one's own again, to another's, or to none."""
    number, email = draw.number(0, PEOPLE - 1), draw.among(EMAILS)
    return _changed(history, number, email=email)


@rule(4)
def a_phone_changes(history: History, draw: Draw) -> str:
    """Few numbers: they are shared."""
    number, phone = draw.number(0, PEOPLE - 1), draw.among(PHONES)
    return _changed(history, number, phone=phone)


@rule(4)
def consent_changes(history: History, draw: Draw) -> str:
    """Granted or withdrawn."""
    number = draw.number(0, PEOPLE - 1)
    return _changed(history, number, granted=not history.world.people[number].granted)


@rule(1)
def somebody_is_suppressed_or_not(history: History, draw: Draw) -> str:
    """Unsubscribed, or back."""
    number = draw.number(0, PEOPLE - 1)
    now = history.world.people[number].suppressed
    return _changed(history, number, suppressed=None if now else "unsubscribed")


def _changed(history: History, number: int, **fields: object) -> str:
    if number in history.erased or number in history.away:
        return f"{number} is not there to change"
    history.world.change(number, **fields)
    return f"{number} changes {fields}"


@rule(1)
def somebody_is_erased(history: History, draw: Draw) -> str:
    """For good."""
    number = draw.number(0, PEOPLE - 1)
    history.away.pop(number, None)
    history.erased.add(number)
    history.world.erase(number)
    return f"{number} is erased"


@rule(2)
def somebody_vanishes_or_returns(history: History, draw: Draw) -> str:
    """The sources lose a person, or have them again."""
    number = draw.number(0, PEOPLE - 1)
    if number in history.erased:
        return f"{number} is not there to vanish"
    if number in history.away:
        history.world.put(number, history.away.pop(number))
        return f"{number} is back in the sources"
    history.away[number] = replace(history.world.people[number])
    history.world.change(number, email=None, phone=None, suppressed="gone_from_source")
    return f"{number} is gone from the sources"


# --- segments, days, warehouse -----------------------------------------------------------------------------------


@rule(2)
def a_segment_is_renamed(history: History, draw: Draw) -> str:
    """Its new file says what it was called formerly."""
    names, free = history.alive(), [name for name in NAMES if name not in history.alive()]
    if not names or not free:
        return "nothing can be renamed"
    old, new = draw.among(names), draw.among(free)
    history.definitions[old].alive = False
    history.define(new, history.definitions[old].people, formerly=old)
    return f"{old} is renamed {new}"


@rule(1)
def a_segment_is_deleted_or_comes_back(history: History, draw: Draw) -> str:
    """Its file is gone, or there again."""
    name = draw.among(NAMES)
    definition = history.definitions.get(name)
    if definition is None:
        history.define(name, {0, 5})
    elif definition.alive:
        definition.alive = False
        return f"{name} is deleted"
    else:
        history.define(name, definition.people)
    return f"{name} is (again) {sorted(history.definitions[name].people)}"


@rule(3)
def days_pass(history: History, draw: Draw) -> str:
    """Nights without a push; jobs come to an end; in the last night a segment may fail."""
    days, failing = draw.among([1, 2, 9]), draw.some(NAMES[:2], 1)
    history.platform.process()
    history.days_pass(days, failing)
    return f"{days} days pass" + (f"; {failing[0]} is not computed" if failing else "")


@rule(2)
def hours_pass(history: History, draw: Draw) -> str:
    """Less than a request may take to settle, or a little more."""
    hours = draw.among([3, 13])
    history.time_passes(timedelta(hours=hours))
    return f"{hours} hours pass"


@rule(1)
def the_warehouse_is_rebuilt(history: History, draw: Draw) -> str:
    """People are numbered anew."""
    by = draw.number(1, PEOPLE - 1)
    history.renumber({n: (n + by) % PEOPLE for n in range(PEOPLE)})
    return f"the warehouse is rebuilt: everybody's number moves by {by}"


@rule(1)
def rules_of_normalising_are_renewed(history: History, draw: Draw) -> str:
    """A new version of the platform's rules: everybody is normalised and hashed anew."""
    identity = history.platform.identity
    history.platform.identity = replace(identity, version=identity.version + 1)
    return f"the rules of normalising are of version {identity.version + 1}"


# --- the platform ------------------------------------------------------------------------------------------------


@rule(2)
def an_address_turns_bad_or_good(history: History, draw: Draw) -> str:
    """The platform does not take rows with this e-mail, or takes them again."""
    email = draw.among(EMAILS[:4])
    key = digest(email)
    assert key is not None
    history.platform.bad ^= {key}
    return f"{email} is {'bad' if key in history.platform.bad else 'good'} on the platform"


@rule(2)
def jobs_end(history: History, draw: Draw) -> str:
    """What was accepted is processed, or fails; jobs may overtake one another."""
    waiting = len(history.platform.waiting())
    fates = [draw.among([True, True, False]) for _ in range(waiting)]
    overtaking = history.platform.way == Way.JOB and draw.among([False, True])
    history.platform.process(fates, newest_first=overtaking)
    order = "newest first" if overtaking else "in order"
    return f"accepted requests end {order}: {['done' if fate else 'failed' for fate in fates]}"


@rule(5)
def a_request_comes_late(history: History, draw: Draw) -> str:
    """A request that was answered is processed now, or once more, after newer ones."""
    possible = history.platform.may_come_late()
    if not possible:
        return "nothing can come late"
    request = draw.among(possible)
    history.platform.comes_late(request)
    return f"a request to {request.op} {len(request.handles)} comes late to {request.audience}"


@rule(1)
def an_audience_is_deleted_behind_our_back(history: History, draw: Draw) -> str:
    """Somebody tidies up on the platform's pages."""
    there = sorted(history.platform.audiences)
    if not there:
        return "no audience is there to delete"
    audience = draw.among(there)
    history.platform.delete(audience)
    return f"{audience} is deleted on the platform"


# --- runs --------------------------------------------------------------------------------------------------------


@rule(5)
def a_run_without_faults(history: History, draw: Draw) -> str:
    """All goes well; guards hold unless they are overridden."""
    return _run(history, Night(overrides=draw.among([EVERYTHING_ALLOWED, NOBODY, NOBODY])))


@rule(8)
def a_run_with_faults(history: History, draw: Draw) -> str:
    """Answers are lost, requests refused, the account closed, the process killed in the middle of a request."""
    night = Night(
        requests=tuple(draw.some(REQUEST_FAULTS, 5)),
        openings=tuple(draw.some(OPENING_FAULTS, 1)),
        polls=tuple(draw.some(POLL_FAULTS, 1)),
        resync=draw.among([False, False, False, True]),
        overrides=draw.among([EVERYTHING_ALLOWED, EVERYTHING_ALLOWED, NOBODY]),
    )
    return _run(history, night)


@rule(4)
def a_run_is_killed_between_two_steps(history: History, draw: Draw) -> str:
    """At any boundary of delivery."""
    return _run(history, Night(dies_at=draw.number(1, BOUNDARIES)))


@rule(1)
def a_resync(history: History, draw: Draw) -> str:
    """Everything is doubted."""
    return _run(history, Night(resync=True, overrides=draw.among([EVERYTHING_ALLOWED, NOBODY])))


@rule(1)
def two_runs_at_once(history: History, draw: Draw) -> str:
    """Another process delivers to the account already."""
    history.run_beside_another()
    return "a second run is refused"


@rule(1)
def a_plan(history: History, draw: Draw) -> str:
    """A dry run."""
    history.plan()
    return "plan"


@rule(1)
def all_comes_right(history: History, draw: Draw) -> str:
    """Clean runs until nothing is left to send."""
    history.converges()
    return "clean runs until nothing is left to send"


def _run(history: History, night: Night) -> str:
    deliveries = history.run(night)
    became = [f"{d.segment}: {d.verdict}, {d.status}, {d.requests} requests" for d in deliveries] or [
        "killed"
    ]
    shown = {k: v for k, v in _shown(night).items() if v}
    return f"run {shown} -> {'; '.join(became)}"


def _shown(night: Night) -> dict[str, object]:
    return {
        "requests": list(night.requests),
        "opening": list(night.openings),
        "polls": list(night.polls),
        "dies at": night.dies_at,
        "resync": night.resync,
        "guards hold": night.overrides == NOBODY,
    }
