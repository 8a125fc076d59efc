"""Finding and opening connectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.base import ActionNeeded, AuthFailed, Connector
from connectors.redact import redact
from connectors.registry import UnknownConnector, available, load, open_connector

TOKEN = "EAAB-not-a-real-token"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings from outside."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.privacy("P46")
def test_shipped_connectors_load_without_credentials() -> None:
    """Loading needs no environment, and each class declares what docs and planning read."""
    assert {"file", "mailchimp", "meta"} <= set(available())
    for name in ("file", "mailchimp", "meta"):
        found = load(name)
        assert issubclass(found, Connector)
        assert found.consent
        assert found.title


@pytest.mark.bad_input("B87")
@pytest.mark.parametrize(("typed", "meant"), [("mailchmp", "mailchimp"), ("Meta", "meta"), ("flie", "file")])
def test_a_misspelt_name_finds_its_neighbour(typed: str, meant: str) -> None:
    """The error names the nearest connector and all that are installed."""
    with pytest.raises(
        UnknownConnector, match=f"did you mean '{meant}'.*Installed: {', '.join(available())}"
    ):
        load(typed)


def test_settings_come_from_the_destination_s_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two accounts of one platform have settings of their own."""
    for account, digits in (("META_DE", "11"), ("META_US", "22")):
        monkeypatch.setenv(f"TURNOUT_{account}_TOKEN", TOKEN)
        monkeypatch.setenv(f"TURNOUT_{account}_AD_ACCOUNT", digits)
    assert open_connector("meta-de", "meta").settings.ad_account == "11"
    assert open_connector("meta_us", "meta").settings.ad_account == "22"


def test_settings_come_from_dot_env(tmp_path: Path) -> None:
    """A ``.env`` file here is read like the environment."""
    (tmp_path / ".env").write_text(f"TURNOUT_META_TOKEN={TOKEN}\nTURNOUT_META_AD_ACCOUNT=act_5\nOTHER=1\n")
    assert open_connector("meta", "meta").settings.ad_account == "5"


@pytest.mark.bad_input("B99")
def test_missing_credentials_name_their_variables() -> None:
    """AuthFailed lists every variable to set."""
    with pytest.raises(AuthFailed, match="TURNOUT_META_TOKEN and TURNOUT_META_AD_ACCOUNT"):
        open_connector("meta", "meta")


@pytest.mark.bad_input("B99")
@pytest.mark.privacy("P26")
@pytest.mark.parametrize(
    "secret", ["", f"{TOKEN}\n", f" {TOKEN}", f'"{TOKEN}"', f"'{TOKEN}'", f"{TOKEN}é", "a b"]
)
def test_unusable_credentials_are_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """Empty, quoted, or with white space: the variable is named, its value nowhere."""
    monkeypatch.setenv("TURNOUT_META_TOKEN", secret)
    monkeypatch.setenv("TURNOUT_META_AD_ACCOUNT", "5")
    with pytest.raises(ActionNeeded, match="TURNOUT_META_TOKEN") as failed:
        open_connector("meta", "meta")
    assert TOKEN not in str(failed.value)


@pytest.mark.bad_input("B102")
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MAX_ROWS", "0"), ("MAX_ROWS", "10001"), ("MAX_IN_FLIGHT", "-1"), ("AD_ACCOUNT", "act_x"),
        ("API_VERSION", "26"), ("BASE_URL", "http://graph.facebook.com"), ("BASE_URL", "https://169.254.169.254"),
        ("IDENTIFIERS", '["FN"]'),
        ("IDENTIFIERS", '["EMAIL","EMAIL"]'), ("DEFAULT_COUNTRY", "USA"), ("USAGE_LIMIT_PERCENT", "0"),
    ],
)  # fmt: skip
def test_unusable_settings_name_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Limits beyond the platform's, wrong ids and unsafe addresses stop before anything is sent."""
    for name, fine in (("TOKEN", TOKEN), ("AD_ACCOUNT", "5"), (variable, value)):
        monkeypatch.setenv(f"TURNOUT_META_{name}", fine)
    with pytest.raises(ActionNeeded, match=f"TURNOUT_META_{variable}"):
        open_connector("meta", "meta")


@pytest.mark.privacy("P26")
def test_secrets_are_not_in_reprs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing a connector's settings shows no credential."""
    monkeypatch.setenv("TURNOUT_META_TOKEN", TOKEN)
    monkeypatch.setenv("TURNOUT_META_AD_ACCOUNT", "5")
    opened = open_connector("meta", "meta")
    assert TOKEN not in f"{opened!r} {opened.settings!r} {opened.settings}"


@pytest.mark.bad_input("B106", "B107")
@pytest.mark.privacy("P27", "P28")
def test_redaction_masks_people_and_secrets_and_bounds_the_text() -> None:
    """Addresses, digests, numbers, tokens and control characters do not get through."""
    shown = redact(
        f"Ann <ann@example.com> {'a' * 64} +1 (202) 555-0143 {TOKEN}\x1b[31m\n" + "x y " * 5_000, [TOKEN]
    )
    for text in ("ann@", "a" * 64, "555-0143", TOKEN, "\x1b", "\n"):
        assert text not in shown
    assert len(shown) <= 241


def test_the_budget_of_an_account_is_kept_where_the_caller_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a state folder, every opening of the account shares one file; a file that can't be used is a sentence."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TURNOUT_META_TOKEN", "tok")
    monkeypatch.setenv("TURNOUT_META_AD_ACCOUNT", "5")
    opened = open_connector("meta", "meta", tmp_path / "state")
    later = open_connector("meta", "meta", tmp_path / "state")
    opened.http.hold(600, "told to")  # type: ignore[attr-defined]
    state = later.budget_state()
    assert state is not None
    assert state.closed_because == "told to"
    opened.close()
    later.close()
    assert (tmp_path / "state" / "meta.budget.sqlite").exists()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "meta.budget.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(ActionNeeded, match="deleted: it holds only counts"):
        open_connector("meta", "meta", tmp_path / "broken")
