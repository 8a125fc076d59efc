"""Whether journal and ledger belong together, or one of them is an old copy.

Each use gives the ledger a new mark, which the journal then remembers. A ledger that shows another mark than the
journal remembers was restored, copied or lost, or the journal was: the journal may know as applied what the ledger
never saw undone, so the whole account is doubted. A crash between the two commits leaves a ledger that is one mark
ahead of the journal and remembers the mark before: that is no doubt, for what a journal does not know is none.
"""

from __future__ import annotations

from ulid import ULID

from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger

MARK, BEFORE = "lineage", "lineage_before"
"""Keys of the ledger's own table ``meta``."""

LOST = "the ledger is new, though this journal was used with one: it was lost or moved"
COPIED = "ledger and journal were not last used together: one of them was restored or copied"


def strangers(journal: Journal, ledger: Ledger) -> str | None:
    """Why ledger and journal are not the pair that was last used; None: they are."""
    remembered = journal.lineage(ledger.destination)
    if remembered is None or remembered in (ledger.meta(MARK), ledger.meta(BEFORE)):
        return None
    return LOST if ledger.meta(MARK) is None else COPIED


def doubt_strangers(journal: Journal, ledger: Ledger, run_id: str) -> None:
    """Doubt everybody of the account when ledger and journal are not the pair that was last used.

    Recorded as a decision, so that whoever wonders why everybody is sent again can read it.
    """
    why = strangers(journal, ledger)
    if why is None:
        return
    for destination, segment in journal.every_audience():
        if destination == ledger.destination:
            journal.distrust(destination, segment)
            journal.logbook.decided(run_id, destination, segment, "doubted", "turnout", why)


def use_together(journal: Journal, ledger: Ledger) -> None:
    """Give the ledger a new mark, and let the journal remember it."""
    mark = str(ULID())
    with ledger.commit("lineage"):
        ledger.set_meta(BEFORE, ledger.meta(MARK) or mark)
        ledger.set_meta(MARK, mark)
    journal.used_with(ledger.destination, mark)
