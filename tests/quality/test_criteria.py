"""Each criterion just inside its threshold and just outside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from connectors.capabilities import capabilities_of
from connectors.registry import available, load
from pipelines.insight.reaching import Reach
from pipelines.quality import durable, focused, noticed, purpose, soundness
from pipelines.quality.card import CRITERIA, judged
from pipelines.quality.drift import change_of_size
from pipelines.quality.evidence import DataState, Granularity, Life, Splitting, Unknown, Widening
from pipelines.quality.mistakes import MISTAKES, made, mistake_of
from pipelines.quality.platforms import expected_match, platforms
from pipelines.quality.splitting import best_split
from pipelines.warehouse.sizing import Narrowing, Overlap
from tests.quality.found import DAY, found, outcome

QUIET = Life({1: 0.99}, 0.05, 0.25, 30)


@pytest.mark.requirement(*(f"QUA-{n}" for n in range(1, 13)))
def test_a_card_has_twelve_criteria() -> None:
    """In order, each with a threshold and a sentence; unknown ones have no figure, and say why."""
    card = judged(found())
    assert [one.id for one in card.criteria] == [f"QUA-{n}" for n in range(1, 13)]
    assert len(CRITERIA) == 12
    assert len({one.name for one in card.criteria}) == 12
    for one in card.criteria:
        assert one.sentence
        assert one.threshold
        assert (one.verdict != "unknown") or one.measured is None


@pytest.mark.requirement("QUA-1")
@pytest.mark.parametrize(
    ("reachable", "match", "verdict"), [(200, 0.5, "pass"), (199, 0.5, "warn"), (100, 1.0, "pass")]
)
def test_what_will_match_is_held_against_the_platforms_least(
    reachable: int, match: float, verdict: str
) -> None:
    """A hundred matched people of half of those that can be sent."""
    reach = Reach("ads", reachable, {"no_consent": 200 - reachable}, 100, match)
    card = judged(found(reach=(reach,)))
    assert card.criteria[0].verdict == verdict
    assert ("will match" in card.criteria[0].sentence) == (verdict == "warn")


@pytest.mark.requirement("QUA-1")
def test_platforms_of_the_file_are_connectors_with_a_least() -> None:
    """The smallest audience stands with the connector alone; the file tells its source, and nothing of others."""
    least = {name: capabilities_of(name, load(name)).min_size for name in available()}
    assert set(platforms()) == {name for name, size in least.items() if size}
    for name, one in platforms().items():
        assert 0 < one.match < 1, name
        assert one.match_source, name
        assert one.source, name
        assert one.seen <= date.today(), name
    assert platforms()["meta"].seed == (1_000, 5_000)
    assert (expected_match("mailchimp"), expected_match("meta")) == (1.0, 0.6)


@pytest.mark.requirement("QUA-4")
@pytest.mark.parametrize(
    ("life", "verdict"),
    [
        (QUIET, "pass"),
        (replace(QUIET, turnover=0.0501), "warn"),
        (replace(QUIET, flap=0.2501), "warn"),
        (replace(QUIET, flap=None), "pass"),
        (Unknown("no second day is known yet"), "unknown"),
        (Life({30: 0.5}, None, None, 0), "unknown"),
    ],
)
def test_durable(life: Life | Unknown, verdict: str) -> None:
    """Five per cent a day, a quarter of those who leave."""
    assert durable.judge(found(life=life)).verdict == verdict


@pytest.mark.requirement("QUA-4")
def test_dynamic_segments_may_move() -> None:
    """What is meant to move is not told off for it, and its figures are told all the same."""
    moving = found(life=replace(QUIET, turnover=0.4), segment_tags={"mode": "dynamic"})
    answer = durable.judge(moving)
    assert (answer.verdict, answer.measured) == ("pass", 0.4)
    assert "40.0% change a day" in answer.sentence


@pytest.mark.requirement("QUA-5")
def test_the_likest_segment_is_told_in_three_figures() -> None:
    """Jaccard, the share of the smaller one, and how many times more than chance."""
    card = judged(found(size=200, universe=1_000, overlaps=(Overlap("others", 100, 50, 0.2),)))
    assert card.criteria[4].sentence == "likest: others (Jaccard 0.20, overlap 0.50, lift 2.5)"


@pytest.mark.requirement("QUA-9", "MIS-2")
def test_as_unlike_as_everybody() -> None:
    """A spread of the goal metric within the segment that is 95 % of everybody's is a warning; 94 % is none."""
    alike = [10.0] * 100
    wide = found(outcome=outcome([0.0, 20.0] * 50, [0.0, 20.0] * 50))
    assert focused.judge_breadth(wide).verdict == "warn"
    narrow = found(outcome=outcome(alike, [0.0, 20.0] * 50))
    assert focused.judge_breadth(narrow).verdict == "pass"


@pytest.mark.requirement("QUA-9", "MIS-2")
def test_a_broad_segment_is_told_where_it_falls_apart() -> None:
    """The feature with the largest gain in eta² is named, with the sizes of both halves."""
    broad = found(size=700, splitting=Splitting("orders_90d", 4, 300, 400, 0.31))
    answer = focused.judge_breadth(broad)
    assert answer.verdict == "warn"
    assert "orders_90d 4 (300 below, 400 from there up: 31% of the variance)" in answer.sentence


@pytest.mark.requirement("MIS-2")
def test_the_best_split_is_the_feature_that_decides() -> None:
    """Of a feature that decides and one that does not the first is found, at its bound, with all of the variance."""
    import numpy as np

    decides = np.repeat([1.0, 9.0], 100)
    noise = np.tile([1.0, 2.0, 3.0, 4.0], 50)
    split = best_split(decides * 10, {"noise": noise, "decides": decides, "unknown": np.full(200, np.nan)})
    assert split is not None
    assert (split.feature, split.below, split.above) == ("decides", 100, 100)
    assert split.gain == pytest.approx(1.0)
    assert best_split(np.ones(200), {"noise": noise}) is None


@pytest.mark.requirement("QUA-10")
def test_narrow_rules() -> None:
    """Over eight conditions, one that takes away more than 95 % of the rest, or too few people."""
    plain = Narrowing("a > 1", 500, 500, 0)
    assert focused.judge_narrowness(found(conditions=(plain,) * 8)).verdict == "pass"
    assert focused.judge_narrowness(found(conditions=(plain,) * 9)).verdict == "warn"
    assert focused.judge_narrowness(found(size=49, conditions=(plain,))).verdict == "fail"
    assert focused.judge_narrowness(found(conditions=None)).verdict == "unknown"


@pytest.mark.requirement("QUA-11", "MIS-8")
def test_small_segments_are_told_how_to_grow() -> None:
    """The nearest wider rule, or that no single bound does it; and whether it is in use at all."""
    used = {"mail": True}
    small = found(size=20, activated=used, widening=Widening("spend_90d >= 40", 61))
    assert noticed.judge_notice(small).sentence == "too small as it is: spend_90d >= 40 would hold 61"
    alone = found(size=20, activated=used, widening=Unknown("no single bound makes it so"))
    assert "no single bound" in noticed.judge_notice(alone).sentence
    assert noticed.judge_notice(found(activated=used)).verdict == "pass"
    assert noticed.judge_notice(found(activated={"mail": False})).verdict == "warn"


@pytest.mark.requirement("QUA-12", "MIS-1")
@pytest.mark.parametrize(
    ("active", "treatments", "required", "verdict"),
    [(8, 4, 1_000, "pass"), (9, 4, 1_000, "warn"), (8, 4, 1_001, "warn")],
)
def test_no_more_segments_than_can_be_treated_and_tested(
    active: int, treatments: int, required: int, verdict: str
) -> None:
    """Two active segments to a treatment, and as many people as their tests need."""
    whole = Granularity(active, treatments, required, active, 1_000)
    assert noticed.judge_granularity(found(granularity=whole)).verdict == verdict


@pytest.mark.requirement("DEF-9", "FRE-2", "MIS-7")
def test_a_review_is_due_a_quarter_after_the_first_day() -> None:
    """91 days after the first computed day, unless the header names a day; overdue on the day after."""
    first = DAY - timedelta(days=91)
    sizes = ((first, 200), (DAY, 200))
    assert purpose.review_due(found(sizes=sizes)) == DAY
    assert "FRE-2" in {one.rule for one in purpose.doubts(found(sizes=sizes))}
    later = found(sizes=((first + timedelta(days=1), 200), (DAY, 200)))
    assert "FRE-2" not in {one.rule for one in purpose.doubts(later)}
    assert purpose.review_due(
        found(sizes=sizes, segment_review_by=DAY + timedelta(days=9))
    ) == DAY + timedelta(days=9)
    assert purpose.review_due(found()) is None


@pytest.mark.requirement("FRE-1", "MIS-7")
def test_staleness_is_told() -> None:
    """A segment that was last computed five days before the day says so; of the day itself it does not."""
    stale = found(sizes=((DAY - timedelta(days=5), 200),))
    assert [one.says for one in purpose.doubts(stale) if one.rule == "FRE-1"] == [
        "it was last computed for 2017-12-26, 5 days before 2017-12-31"
    ]
    assert not [one for one in purpose.doubts(found(sizes=((DAY, 200),))) if one.rule == "FRE-1"]


@pytest.mark.requirement("FRE-2")
def test_a_size_that_changed_for_good_asks_for_a_review() -> None:
    """A week at another level is a change; one odd day, the usual noise and too few days are none."""
    days = [DAY - timedelta(days=40 - n) for n in range(41)]
    steady = [200 + n % 5 for n in range(41)]
    assert change_of_size(list(zip(days, steady, strict=True))) is None
    odd = [*steady[:-1], 900]
    assert change_of_size(list(zip(days, odd, strict=True))) is None
    moved = [*steady[:-7], *[300] * 7]
    told = change_of_size(list(zip(days, moved, strict=True)))
    assert told is not None
    assert "from about 202 to about 300" in told
    noisy = [100 if n % 2 else 300 for n in range(34)] + [260] * 7
    assert change_of_size(list(zip(days, noisy, strict=True))) is None
    assert change_of_size(list(zip(days[-20:], moved[-20:], strict=True))) is None


@pytest.mark.requirement("DEF-2", "MIS-10")
def test_a_metric_that_cannot_be_computed_is_named_with_the_known_ones() -> None:
    """A warning and no error: what is measured elsewhere may still be a goal."""
    known = ("orders_<n>d", "orders_90d", "retention_<n>d")
    goal = replace(found().segment.goal, metric="reviews_90d")
    (doubt,) = [
        one
        for one in purpose.doubts(found(known_metrics=known, segment_goal=goal))
        if one.rule == "DEF-2" and "cannot be computed" in one.says
    ]
    assert doubt.severity == "warning"
    assert "orders_90d" in doubt.says


@pytest.mark.requirement("DEF-11", "MIS-9")
def test_evidence_is_asked_for_after_the_first_review() -> None:
    """Not before it, and not where some is named."""
    past = {"segment_review_by": DAY - timedelta(days=1)}
    assert "DEF-11" in {one.rule for one in purpose.doubts(found(**past))}
    assert "DEF-11" not in {
        one.rule for one in purpose.doubts(found(**past, segment_evidence="A test in May."))
    }
    assert "DEF-11" not in {one.rule for one in purpose.doubts(found())}


@pytest.mark.requirement("DAT-12", "DAT-13", "MIS-3")
def test_the_worst_of_what_it_reads_is_its_grade() -> None:
    """A failed source or check is bad, a warning doubtful, nothing good; each is a finding."""
    assert DataState().grade == "good"
    assert DataState(warnings=("age_from is known for 32% of everybody",)).grade == "doubtful"
    assert DataState(errors=("people: one_number_a_person does not hold (1)",)).grade == "bad"
    failed = DataState(failed=("its source orders could not be loaded (too old)",))
    assert failed.grade == "bad"
    assert [(one.rule, one.severity) for one in soundness.doubts(found(data=failed))] == [("DAT-13", "error")]
    assert soundness.judge(found(data=DataState())).verdict == "pass"


@pytest.mark.requirement("MIS-1", "MIS-3", "MIS-4", "MIS-6", "MIS-9")
def test_every_mistake_has_its_signs() -> None:
    """Each is told in words, no rule is a sign of two, and findings of rules lead to their mistakes in order."""
    rules = [rule for one in MISTAKES for rule in one.rules]
    assert len(rules) == len(set(rules))
    assert [one.id for one in MISTAKES] == [f"MIS-{n}" for n in range(1, 12)]
    assert [one.id for one in made(["DEF-11", "QUA-3", "QUA-1"])] == ["MIS-1", "MIS-6", "MIS-9"]
    assert mistake_of("QUA-5") is None
