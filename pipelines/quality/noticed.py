"""QUA-11 and QUA-12 for one segment: it is neither left lying nor one too many."""

from __future__ import annotations

from pipelines.quality import substantial
from pipelines.quality.criterion import Criterion, Doubt, Rule
from pipelines.quality.evidence import Evidence, Unknown

TREATMENTS = 2
"""Active segments that may share one treatment, on average."""

NOTICED = Rule("QUA-11", "noticed", "warning when it is never activated, or small with a wider rule near by")
BOUNDED = Rule(
    "QUA-12", "affordable", f"warning when active segments outnumber treatments by more than {TREATMENTS} to 1, or "
    "their tests would need more people than there are"
)  # fmt: skip


def judge_notice(found: Evidence) -> Criterion:
    """Whether anybody ever got it, and whether a small one could be larger."""
    doubts: list[Doubt] = []
    if found.segment.syncs and not any(found.activated.values()):
        doubts.append(NOTICED.warning("it was never sent anywhere"))
    if found.looked.sized.size < substantial.least_of(found.segment):
        nearest = (
            found.widening.reason
            if isinstance(found.widening, Unknown)
            else f"{found.widening.says} would hold {found.widening.size:,}"
        )
        doubts.append(NOTICED.warning(f"too small as it is: {nearest}"))
    if not found.segment.syncs:
        return NOTICED.answer(0, "", [NOTICED.warning("it goes nowhere")])
    opened = sum(found.activated.values())
    return NOTICED.answer(opened, f"in use at {opened} of {len(found.segment.syncs)} destinations", doubts)


def judge_granularity(found: Evidence) -> Criterion:
    """All active segments over their treatments: the same for every segment of a project."""
    if isinstance(found.granularity, Unknown):
        return BOUNDED.unknown(found.granularity.reason)
    all_of_them = found.granularity
    doubts: list[Doubt] = []
    if all_of_them.active > TREATMENTS * all_of_them.treatments:
        doubts.append(
            BOUNDED.warning(
                f"{all_of_them.active} active segments share {all_of_them.treatments} treatments: merge some"
            )
        )
    if all_of_them.required > all_of_them.universe:
        doubts.append(
            BOUNDED.warning(
                f"tests of {all_of_them.tested} active segments need {all_of_them.required:,} people, and there are "
                f"{all_of_them.universe:,}"
            )
        )
    fine = f"{all_of_them.active} active segments, {all_of_them.treatments} treatments"
    return BOUNDED.answer(all_of_them.active, fine, doubts)
