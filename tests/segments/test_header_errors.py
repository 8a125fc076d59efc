"""Every slip in a segment file is one sentence: file, line, what was found, what was meant, what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.segments.errors import SegmentError
from pipelines.segments.parse import parse
from tests.catalogue.cases import named
from tests.segments.conftest import CATALOG, DESTINATIONS, GOOD

TYPES = (
    "demographic, geographic, psychographic, behavioural, firmographic, intent, needs, value, lifecycle, "
    "rfm, cluster, predictive"
)

GOAL = GOOD[GOOD.index("[goal]") : GOOD.index("\n[sync.ads]")]
SYNCS = GOOD[GOOD.index("[sync.ads]") : GOOD.index("*/")]

SLIPS: dict[str, tuple[dict[str, str], str]] = {
    "B87 misspelt key": (
        {"owner =": "ownr ="},
        "segment_defs/lapsed.sql:5: unknown key 'ownr' in the header; did you mean 'owner'?",
    ),
    "B87 unheard-of key": (
        {"min_size = 100": "kpi = 'red'"},
        "segment_defs/lapsed.sql:8: unknown key 'kpi' in the header; expected one of title, description, types, "
        "owner, goal, treatment, universe, min_size, review_by, formerly, tags, policy, evidence, persona, "
        "entry_exit, profile, frozen_on, mode, waterfall, priority, holdout, template, sync",
    ),
    "B87 key of the goal misspelt": (
        {"metric =": "metrics ="},
        "segment_defs/lapsed.sql:14: unknown key 'metrics' in [goal]; did you mean 'metric'?",
    ),
    "no treatment": (
        {'treatment = "A letter with a voucher; everyone else gets the weekly flyer."\n': ""},
        "segment_defs/lapsed.sql:1: missing 'treatment' in the header; expected an answer to: how are these people "
        "treated differently (channel, message, offer)?",
    ),
    "empty treatment": (
        {'"A letter with a voucher; everyone else gets the weekly flyer."': '" "'},
        "segment_defs/lapsed.sql:6: 'treatment' is empty; expected an answer to: how are these people "
        "treated differently (channel, message, offer)?",
    ),
    "no owner": (
        {'owner = "team:crm"\n': ""},
        "segment_defs/lapsed.sql:1: missing 'owner' in the header; expected who answers for it: team:crm or an "
        "e-mail address",
    ),
    "an owner nobody can reach": (
        {'"team:crm"': '"the crm people"'},
        "segment_defs/lapsed.sql:5: 'owner' is neither a team nor an e-mail address; expected who answers for it: "
        "team:crm or an e-mail address",
    ),
    "no goal": (
        {GOAL: ""},
        "segment_defs/lapsed.sql:1: missing 'goal' in the header; expected a table [goal] with metric, direction, "
        "target and by",
    ),
    "goal as text": (
        {
            GOAL: "",
            "min_size = 100": 'goal = "sell more"',
        },
        "segment_defs/lapsed.sql:8: 'goal' is the text 'sell more'; expected a table [goal] with metric, direction, "
        "target and by",
    ),
    "goal without a date": (
        {"by = 2018-03-31\n\n[sync.ads]": "\n[sync.ads]"},
        "segment_defs/lapsed.sql:13: missing 'by' in [goal]; expected a date without quotes, e.g. 2027-03-31",
    ),
    "B86 date in quotes": (
        {"\nby = 2018-03-31": '\nby = "2018-03-31"'},
        "segment_defs/lapsed.sql:17: 'by' is the text '2018-03-31'; expected a date without quotes, e.g. 2027-03-31",
    ),
    "direction": (
        {'"up"': '"upp"'},
        "segment_defs/lapsed.sql:15: 'direction' is the text 'upp'; did you mean 'up'?; expected \"up\" or \"down\"",
    ),
    "type": (
        {'"lifecycle"': '"life_cycle"'},
        "segment_defs/lapsed.sql:4: 'types' is the text 'life_cycle'; did you mean 'lifecycle'?; expected what the "
        f"people share, one or more of {TYPES}",
    ),
    "no types": (
        {'["lifecycle", "behavioural"]': "[]"},
        f"segment_defs/lapsed.sql:4: 'types' is an empty list; expected what the people share, one or more of {TYPES}",
    ),
    "types as text": (
        {'["lifecycle", "behavioural"]': '"lifecycle"'},
        "segment_defs/lapsed.sql:4: 'types' is the text 'lifecycle'; expected what the people share, one or more of "
        f"{TYPES}",
    ),
    "universe": (
        {'"customers"': '"prospects"'},
        "segment_defs/lapsed.sql:7: 'universe' is no known universe; expected the population it is a share of: "
        "customers",
    ),
    "B86 number as text": (
        {"min_size = 100": 'min_size = "100"'},
        "segment_defs/lapsed.sql:8: 'min_size' is the text '100'; expected a whole number of people from 1; a "
        "computed day with fewer is noted",
    ),
    "B86 true as a number": (
        {"min_size = 100": "min_size = true"},
        "segment_defs/lapsed.sql:8: 'min_size' is true; expected a whole number of people from 1; a computed day "
        "with fewer is noted",
    ),
    "B86 date with a time": (
        {"review_by = 2018-03-31": "review_by = 2018-03-31T00:00:00"},
        "segment_defs/lapsed.sql:9: 'review_by' is a date with a time; expected a date without quotes; an overdue "
        "review is noted",
    ),
    "B88 two lines in a title": (
        {'"Lapsed shoppers"': '"Lapsed\\nshoppers"'},
        "segment_defs/lapsed.sql:2: 'title' holds a line break or an invisible character; expected a short name "
        "people can say",
    ),
    "tag": (
        {'season = "winter"': 'season = "cold winter"'},
        "segment_defs/lapsed.sql:10: 'tags' has a tag with other characters than letters, digits, _ . and -; "
        'expected a table of short texts, e.g. tags = {season = "winter"}',
    ),
    "profile": (
        {"min_size = 100": 'profile = "finances"'},
        "segment_defs/lapsed.sql:8: 'profile' is the text 'finances'; did you mean 'finance'?; expected a policy "
        "profile besides the project's: default, healthcare, finance, housing, employment",
    ),
    "mode": (
        {"min_size = 100": 'mode = "statik"'},
        "segment_defs/lapsed.sql:8: 'mode' is the text 'statik'; did you mean 'static'?; expected when its people may "
        'change: "static", "scheduled" or "dynamic"',
    ),
    "freeze without a day": (
        {"min_size = 100": 'mode = "static"'},
        "segment_defs/lapsed.sql:8: a static segment says on which day its people were taken; add frozen_on = "
        "2017-12-31, say",
    ),
    "day without a freeze": (
        {"min_size = 100": "frozen_on = 2017-10-01"},
        "segment_defs/lapsed.sql:8: frozen_on stands in a scheduled segment, whose people change; remove it, or write "
        'mode = "static"',
    ),
    "freeze as text": (
        {"min_size = 100": 'mode = "static"\nfrozen_on = "2017-10-01"'},
        "segment_defs/lapsed.sql:9: 'frozen_on' is the text '2017-10-01'; expected a date without quotes: the day "
        "whose people a static segment holds",
    ),
    "static in a waterfall": (
        {"min_size = 100": 'mode = "static"\nfrozen_on = 2017-10-01\nwaterfall = "care"\npriority = 1'},
        "segment_defs/lapsed.sql:10: a static segment cannot be in a waterfall, where it would have to give people up "
        "that it keeps; remove one of the two",
    ),
    "holdout without its table": (
        {"min_size = 100": "holdout = 0.1"},
        "segment_defs/lapsed.sql:8: 'holdout' is the number 0.1; expected a table [holdout] with share, e.g. "
        "share = 0.10",
    ),
    "holdout of nobody": (
        {"[goal]": "[holdout]\nshare = 0.0\n[goal]"},
        "segment_defs/lapsed.sql:14: 'share' is the number 0.0; expected a share of the people above 0 and up to "
        "0.5, e.g. 0.10",
    ),
    "holdout of most": (
        {"[goal]": "[holdout]\nshare = 0.6\n[goal]"},
        "segment_defs/lapsed.sql:14: 'share' is the number 0.6; expected a share of the people above 0 and up to "
        "0.5, e.g. 0.10",
    ),
    "holdout without a share": (
        {"[goal]": "[holdout]\nsalt = 'x'\n[goal]"},
        "segment_defs/lapsed.sql:13: missing 'share' in [holdout]; expected a share of the people above 0 and up to "
        "0.5, e.g. 0.10",
    ),
    "B87 key of the holdout misspelt": (
        {"[goal]": "[holdout]\nshares = 0.1\n[goal]"},
        "segment_defs/lapsed.sql:14: unknown key 'shares' in [holdout]; did you mean 'share'?",
    ),
    "a holdout finer than its buckets": (
        {"[goal]": "[holdout]\nshare = 0.12345\n[goal]"},
        "segment_defs/lapsed.sql:14: 'share' is finer than a ten-thousandth; expected a share of the people above 0 "
        "and up to 0.5, e.g. 0.10",
    ),
    "an empty salt": (
        {"[goal]": '[holdout]\nshare = 0.1\nsalt = " "\n[goal]'},
        "segment_defs/lapsed.sql:15: 'salt' is empty; expected a text that draws the people; another one draws "
        "others, the segment's name by default",
    ),
    "own name as former name": (
        {"min_size = 100": 'formerly = "lapsed"'},
        "segment_defs/lapsed.sql:8: formerly is the segment's own name; remove it",
    ),
    "B89 former name with SQL in it": (
        {"min_size = 100": "formerly = 'x\"; drop table people'"},
        "segment_defs/lapsed.sql:8: formerly 'x\"; drop table people' is not usable; expected 1 to 64 of "
        "a-z, 0-9 and _",
    ),
    "B87 destination": (
        {"[sync.ads]": "[sync.adds]"},
        "segment_defs/lapsed.sql:19: unknown destination 'adds'; did you mean 'ads'?",
    ),
    "B87 unheard-of destination": (
        {"[sync.ads]": "[sync.tv]"},
        "segment_defs/lapsed.sql:19: unknown destination 'tv'; expected one of ads, letters, mail",
    ),
    "no audience": (
        {'audience = "Lapsed shoppers"\nmax_removed': "max_removed"},
        "segment_defs/lapsed.sql:19: missing 'audience' in [sync.ads]; expected the audience's name on the platform, "
        "1 to 200 characters on one line",
    ),
    "B102 max_removed": (
        {"max_removed = 0.2": "max_removed = 20"},
        "segment_defs/lapsed.sql:21: 'max_removed' is the number 20; expected the share that one run may remove, "
        "from 0 to 1",
    ),
    "drift as a word that is none": (
        {"max_removed = 0.2": 'drift = "our_wins"'},
        "segment_defs/lapsed.sql:21: 'drift' is the text 'our_wins'; did you mean 'ours_wins'?; expected what becomes "
        "of members whom somebody else added or took out, where the tool lists members: "
        '"report_only" or "ours_wins"',
    ),
    "B87 option of another connector": (
        {"customer_file_source": "customer_file_sauce"},
        "segment_defs/lapsed.sql:22: unknown key 'customer_file_sauce' in [sync.ads]; did you mean "
        "'customer_file_source'?",
    ),
    "B98 option of the wrong type, its value kept quiet": (
        {'customer_file_source = "USER_PROVIDED_ONLY"': 'retention_days = "s3cret"'},
        "segment_defs/lapsed.sql:22: 'retention_days' is not valid",
    ),
    "attribute of a column that nobody has": (
        {"[sync.letters]": '[sync.mail]\nattributes = {LTV = "spent"}'},
        "segment_defs/lapsed.sql:25: features has no column 'spent'; did you mean 'spend'?",
    ),
    "attribute that is a list": (
        {"[sync.letters]": '[sync.mail]\nattributes = {LIKES = "interests"}'},
        "segment_defs/lapsed.sql:25: the column 'interests' holds VARCHAR[]; expected text, a number, true or false, "
        "or a date",
    ),
    "attribute that names a person": (
        {"[sync.letters]": '[sync.mail]\nattributes = {NO = "person_no"}'},
        "segment_defs/lapsed.sql:25: features has no column 'person_no'; expected a column of features "
        "(docs/segments.md)",
    ),
    "attributes of a tool that takes none": (
        {"[sync.letters]": '[sync.letters]\nattributes = {LTV = "spend"}'},
        "segment_defs/lapsed.sql:25: unknown key 'attributes' in [sync.letters]; expected one of audience, "
        "max_removed, drift, exclude",
    ),
    "sync as text": (
        {
            SYNCS: "",
            "min_size = 100": 'sync = "ads"',
        },
        "segment_defs/lapsed.sql:8: 'sync' is the text 'ads'; expected tables [sync.<destination>]",
    ),
    "one sync as text": (
        {
            SYNCS: "",
            "[goal]": '[sync]\nads = "Lapsed"\n[goal]',
        },
        "segment_defs/lapsed.sql:14: sync.ads is the text 'Lapsed'; expected a table [sync.ads]",
    ),
    "B86 not TOML": (
        {'owner = "team:crm"': "owner = team:crm"},
        "segment_defs/lapsed.sql:5: the header is not TOML: Invalid value",
    ),
    "B86 same key twice": (
        {"min_size = 100": 'owner = "team:other"'},
        "segment_defs/lapsed.sql:8: the header is not TOML: Cannot overwrite a value",
    ),
    "no header": (
        {"/*\n": ""},
        "segment_defs/lapsed.sql:1: the file does not begin with a header; expected a block comment /* … */ with "
        "title, owner, goal and so on",
    ),
    "header never closed": (
        {"*/\n": "\n"},
        "segment_defs/lapsed.sql:1: the header's /* is never closed; expected */ before the SQL",
    ),
    "comment in the header": (
        {"min_size = 100": "/* min_size = 100"},
        "segment_defs/lapsed.sql:8: the header holds another /*; comment with # instead",
    ),
    "no SQL": (
        {"select person_no\nfrom features\nwhere baskets between 1 and 3\n": ""},
        "segment_defs/lapsed.sql:26: there is no SELECT below the header; expected exactly one SELECT",
    ),
    "B75 B84 unknown table": (
        {"from features": "from feature"},
        "segment_defs/lapsed.sql:28:6: unknown table 'feature'; did you mean 'features'?",
    ),
    "B75 unknown column": (
        {"where baskets": "where basket"},
        "segment_defs/lapsed.sql:29:7: unknown column 'basket'; did you mean 'baskets'?",
    ),
    "B74 syntax": (
        {"between 1 and 3": "between 1 und 3"},
        'segment_defs/lapsed.sql:29:25: syntax error at or near "und"',
    ),
    "B76 second statement": (
        {"between 1 and 3": "between 1 and 3;\ndrop table features"},
        "segment_defs/lapsed.sql:30:1: there are 2 statements; expected exactly one SELECT",
    ),
    "B82 the clock": (
        {"where baskets between 1 and 3": "where as_of < today()"},
        "segment_defs/lapsed.sql:29:15: the function today() is not allowed in a segment; use $as_of (the day) or "
        "$window_end (the midnight after it), so that any past day can be replayed",
    ),
    "B80 two columns": (
        {"select person_no": "select person_no, spend"},
        "segment_defs/lapsed.sql:27: the query returns person_no, spend; expected exactly one column, person_no; "
        "select person_no; other columns belong in the conditions",
    ),
}


@pytest.mark.parametrize(("changes", "message"), named(SLIPS))
def test_a_slip_is_told_with_file_line_and_fix(
    write: Callable[..., Path], changes: dict[str, str], message: str
) -> None:
    """The whole message is what an author needs, and no more."""
    path = write(changes=changes)
    with pytest.raises(SegmentError) as raised:
        parse(path, CATALOG, DESTINATIONS)
    assert str(raised.value) == message


@pytest.mark.bad_input("B88")
@pytest.mark.parametrize(
    "name",
    [
        "Lapsed",
        "lapsed-vip",
        "lapsed vip",
        "läpsed",
        "x" * 65,
        "😀",
        "a.b",
        "-x",
        "segment_runs",
        "con",
        "lpt1",
    ],
)
def test_names_that_break_elsewhere_are_refused(write: Callable[..., Path], name: str) -> None:
    """A segment's name has to be an asset key, a table and a file name on every system."""
    with pytest.raises(SegmentError, match=r"segment name .* is (not usable; expected 1 to 64|reserved)"):
        parse(write(name), CATALOG, DESTINATIONS)


def test_a_file_in_another_encoding_names_its_line(write: Callable[..., Path]) -> None:
    """Latin-1 text is refused at the line of the first bad byte."""
    path = write(changes={"silent": "schläft"})
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    with pytest.raises(SegmentError) as raised:
        parse(path, CATALOG, DESTINATIONS)
    assert str(raised.value) == "segment_defs/lapsed.sql:3: the file is not UTF-8 text; save it as UTF-8"


@pytest.mark.bad_input("B86")
def test_a_huge_file_is_refused_unread(folder: Path) -> None:
    """A 50 MB file costs nothing."""
    path = folder / "huge.sql"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(SegmentError, match="the file is larger than 128 KB"):
        parse(path, CATALOG, DESTINATIONS)


@pytest.mark.privacy("P40")
def test_a_link_out_of_the_folder_is_refused(
    folder: Path, tmp_path: Path, write: Callable[..., Path]
) -> None:
    """What a segment is stays inside the folder that is reviewed."""
    write("lapsed").rename(tmp_path / "elsewhere.sql")
    (folder / "lapsed.sql").symlink_to(tmp_path / "elsewhere.sql")
    with pytest.raises(SegmentError, match="the file is a link out of its folder"):
        parse(folder / "lapsed.sql", CATALOG, DESTINATIONS)


@pytest.mark.bad_input("B86")
def test_deep_nesting_is_an_error_not_a_crash(write: Callable[..., Path]) -> None:
    """TOML and SQL nested thousands deep are refused with a sentence."""
    with pytest.raises(SegmentError, match="nested too deeply"):
        parse(
            write(changes={"min_size = 100": "min_size = " + "[" * 5000 + "]" * 5000}), CATALOG, DESTINATIONS
        )
    deep = "(" * 5000 + "baskets" + ")" * 5000
    with pytest.raises(SegmentError, match="nested too deeply"):
        parse(write(changes={"where baskets": f"where {deep}"}), CATALOG, DESTINATIONS)
