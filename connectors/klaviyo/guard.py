"""What may leave for Klaviyo: lists, import jobs and reading; nothing that subscribes, suppresses or deletes."""

from __future__ import annotations

from connectors.consent_guard import Call, ConsentGuard

LISTS, PROFILES, JOBS = "/api/lists", "/api/profiles", "/api/profile-bulk-import-jobs"
CALLS = (
    Call("GET", LISTS),
    Call("POST", LISTS),
    Call("GET", rf"{LISTS}/[^/]+"),
    Call("GET", rf"{LISTS}/[^/]+/profiles"),
    Call("POST", rf"{LISTS}/[^/]+/relationships/profiles"),
    Call("DELETE", rf"{LISTS}/[^/]+/relationships/profiles"),
    Call("GET", PROFILES),
    Call("POST", JOBS),
    Call("GET", rf"{JOBS}/[^/]+"),
    Call("GET", rf"{JOBS}/[^/]+/import-errors"),
)
FORBIDDEN_FIELDS = frozenset(
    {
        "subscriptions",  # grants or takes away consent
        "consent",
        "consented_at",
        "historical_import",
        "custom_source",
        "suppression",
        "list_suppressions",
        "opt_in_process",  # how people agree to a list is its owner's matter
        "patch_identifiers",  # adds or removes addresses of a person
        "patch_properties",
        "$consent",  # what properties of these names set in older versions
        "$consent_method",
        "$consent_timestamp",
        "$consent_version",
        "$consent_form_id",
        "$source",
    }
)
CREATES = frozenset({"email", "phone_number", "external_id", "_kx", "$email", "$phone_number", "$id"})
"""What a profile can be made of: without them in any body, nobody is created."""


def guard(*, create_missing: bool) -> ConsentGuard:
    """The guard of an account; unless people are to be created, no body holds what a profile could be made of."""
    return ConsentGuard("Klaviyo", CALLS, FORBIDDEN_FIELDS | (frozenset() if create_missing else CREATES))
