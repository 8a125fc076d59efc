"""The accounts that every new sandbox starts with. All values are invented and open no door anywhere."""

from __future__ import annotations

SANDBOX_META_TOKEN = "sandbox-meta-token-not-a-secret"  # noqa: S105 - opens this sandbox only
SANDBOX_META_APP_SECRET = "sandbox-meta-app-secret-not-a-secret"  # noqa: S105
SANDBOX_META_AD_ACCOUNT = "act_1000000000000001"
SANDBOX_META_BUSINESS = "2000000000000001"
SANDBOX_META_USER = "3000000000000001"

SANDBOX_MAILCHIMP_KEY = "sandbox00000000000000000000000000-us1"
SANDBOX_MAILCHIMP_LIST = "a1b2c3d4e5"
SANDBOX_MAILCHIMP_LIST_NAME = "Newsletter"

SANDBOX_PRACTICE_TOKEN = "sandbox-practice-token-not-a-secret"  # noqa: S105
SANDBOX_PRACTICE_CLIENT_ID = "sandbox-practice-client"
SANDBOX_PRACTICE_CLIENT_SECRET = "sandbox-practice-client-secret-not-a-secret"  # noqa: S105
SANDBOX_PRACTICE_REFRESH_TOKEN = "sandbox-practice-refresh-token-not-a-secret"  # noqa: S105

SANDBOX_ADS_TOKEN = "sandbox-ads-token-not-a-secret"  # noqa: S105
SANDBOX_ADS_CLIENT_ID = "sandbox-ads-client"
SANDBOX_ADS_CLIENT_SECRET = "sandbox-ads-client-secret-not-a-secret"  # noqa: S105
SANDBOX_ADS_REFRESH_TOKEN = "sandbox-ads-refresh-token-not-a-secret"  # noqa: S105
"""Of every ad platform besides Meta, each of which has its own token endpoint and gives out its own tokens."""
SANDBOX_MICROSOFT_DEVELOPER_TOKEN = "sandbox-microsoft-developer-token-not-a-secret"  # noqa: S105

SANDBOX_BRAZE_KEY = "sandbox-braze-key-not-a-secret"
SANDBOX_CUSTOMERIO_KEY = "sandbox-customerio-app-key-not-a-secret"
SANDBOX_CUSTOMERIO_SITE = "sandbox-customerio-site"
SANDBOX_CUSTOMERIO_TRACK_KEY = "sandbox-customerio-track-key-not-a-secret"
SANDBOX_BREVO_KEY = "sandbox-brevo-key-not-a-secret"
SANDBOX_ITERABLE_KEY = "sandbox-iterable-key-not-a-secret"
SANDBOX_ITERABLE_EMAIL_KEY = "sandbox-iterable-email-project-key-not-a-secret"
SANDBOX_HUBSPOT_TOKEN = "sandbox-hubspot-token-not-a-secret"  # noqa: S105
SANDBOX_ACTIVECAMPAIGN_KEY = "sandbox-activecampaign-key-not-a-secret"
SANDBOX_KLAVIYO_KEY = "sandbox-klaviyo-key-not-a-secret"
SANDBOX_SENDGRID_KEY = "sandbox-sendgrid-key-not-a-secret"

DEFAULT_PORT = 8765
