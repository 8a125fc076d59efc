"""A sandbox: a local server that behaves like the platforms by their own documents.

It imports nothing from the rest of the project, so that a misreading in a connector can't hide in it.
"""

from connectors.sandbox.accounts import (
    DEFAULT_PORT,
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_APP_SECRET,
    SANDBOX_META_TOKEN,
    SANDBOX_PRACTICE_CLIENT_ID,
    SANDBOX_PRACTICE_CLIENT_SECRET,
    SANDBOX_PRACTICE_REFRESH_TOKEN,
    SANDBOX_PRACTICE_TOKEN,
)
from connectors.sandbox.pages.views import connection_settings
from connectors.sandbox.server import SandboxServer, create_app, serve
from connectors.sandbox.state import SandboxState

__all__ = [
    "DEFAULT_PORT",
    "SANDBOX_MAILCHIMP_KEY",
    "SANDBOX_MAILCHIMP_LIST",
    "SANDBOX_META_AD_ACCOUNT",
    "SANDBOX_META_APP_SECRET",
    "SANDBOX_META_TOKEN",
    "SANDBOX_PRACTICE_CLIENT_ID",
    "SANDBOX_PRACTICE_CLIENT_SECRET",
    "SANDBOX_PRACTICE_REFRESH_TOKEN",
    "SANDBOX_PRACTICE_TOKEN",
    "SandboxServer",
    "SandboxState",
    "connection_settings",
    "create_app",
    "serve",
]
