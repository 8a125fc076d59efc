"""How the world has changed since a plan, as a sentence."""

from __future__ import annotations

from pipelines.delivery.changeset import Change, Unlike

NOUNS: dict[Change, tuple[str, str]] = {
    "add": ("addition", "additions"),
    "again": ("repeated addition", "repeated additions"),
    "remove": ("removal", "removals"),
    "clear": ("removal of somebody refused", "removals of people refused"),
}


def how_it_changed(found: Unlike, *, done_by_another: bool, name: str) -> str:
    """What is more, fewer or other than planned; opt-outs among it wait for no plan."""
    if done_by_another:
        return "everything in the plan was done since, by another push"
    if found.batches:
        return "the same people would go in other batches: the platform takes another number at once now"
    told = [part for change in NOUNS for part in _of_change(found, change)]
    sentence = f"since the plan there are {', '.join(told)}"
    if found.opt_outs:
        sentence += (
            f"; {found.opt_outs:,} of them opted out or were erased: they leave with the next run of "
            f"turnout sync {name}, which waits for no plan"
        )
    return sentence


def _of_change(found: Unlike, change: Change) -> list[str]:
    more, fewer = found.more.get(change, 0), found.fewer.get(change, 0)
    if more and more == fewer:
        return [f"{more:,} {_noun(change, more)} of other people"]
    told = [f"{more:,} {_noun(change, more)} more"] if more else []
    return told + ([f"{fewer:,} {_noun(change, fewer)} fewer"] if fewer else [])


def _noun(change: Change, count: int) -> str:
    one, many = NOUNS[change]
    return one if count == 1 else many
