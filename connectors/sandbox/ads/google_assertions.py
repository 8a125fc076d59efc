"""The service account of the sandbox's Google: its key, and whether what it signs is good (RFC 7523)."""

from __future__ import annotations

from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SCOPE = "https://www.googleapis.com/auth/datamanager"
TOKEN_ADDRESS = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
LONGEST_SECONDS = 3_600
SKEW_SECONDS = 60
"""How far the clock of whoever signs may be off."""

SERVICE_ACCOUNT = "turnout@sandbox-project.iam.gserviceaccount.com"
SERVICE_KEY_ID = "5a6b7c8d9e0f"
# Published like the sandbox's tokens and no secret: it opens this sandbox only.
SERVICE_KEY = """-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCaZ7xGZNnaottz
YYTzYxHOO3L3xCuhYzNwziQUfTOJIOFk2HEOpIkqL4qZ0E18DIrW/59XVn9qqweJ
GtDMZQpv0xTU9IeFmV3tGm4AZK6yrbewOI9H0PgMm3OmuZUfg7sHr5kMhEZL3c0R
IFumsqvS6EYcuwk6TPAQbrpb72K8+bNzXQYC57CaeBxh6F3bCNXwaCm5jKQO/F8N
rxuhxyUmNm67/E/m0VC27VoGhVTkBcafDbiroWZCZ02WbRDkya4VjxzKSc44veyx
DFpOfipNusmR/egOQHYZes1tiWoI/VTKT0twWdO4Z+59mVYOeBd2HHePkrMNBwah
tNSSMk6TAgMBAAECggEABVuIGuEw9fckqjI+DLvpSECj0pkJ8oWgqU9dzSAzA5US
fQ9NjPaEk+QmaQPjTGSbBK7F9p/Xt/nLPyShDhaLcCng1SrO8QHLUojSPE1CCo0g
jIrJ3fIQSU+ziZty4y8M9E1RgC+uyL8feHKo+3XDpIPOuvx6a31z7v4IlVwPDwOF
NUVd98Rxz26Vi/4FDncA1L25Vd8uok0QxoQn1g2vbcgzxSwDOGUICIh1HW5ncOsG
2STeQ5VoHeiQgFzaEifY/nbqw1zYdwjxVJ4J2KWzLh0KwrZHTOguJSdTcx+qnQSQ
z/vvF3wamTC1iWjB+llWsEkOexmbnNhnzHX3TjMI0QKBgQDT32vSegUbTkuTGU4x
s1yLxd184yW8n2Xg+CWihB03a9bBjE8RlnHFX8NEza+omdbcQfM+jQs9xE2xOJl5
HIlMuqsWRUt6Ex7/85y/0QT/Y0oYIMk+f+sfEq2AmvughVtTlRpJ55nkiZ7z+2l7
Q5QUsXXg+0VhK2VmYYEX2fkD3wKBgQC6kEZlKn/JxbZyByGY2Ymx/axwirEl3Jif
dDjUDfT2kamT0HYJW2CfM/ww7a/5XmT6jjgJ8SR9OkCEK7ClLZR1W80ljytg/oK9
SDOpDEWgd5YyCGRkwCadWX40AUKdiDpz+XUNwgeGHYazkl1nnULosVDxhht7CJS4
PqcK1FRrzQKBgBItrjud2ohQPG2/kxTylbMsY+eOObOoXX5i7B+4hCU4LHHozvPs
W5Cauc9ScordwDCfu/YW9erzx9K3z3sztpgNwBYmFebAcz10snNGxM4Av9+4GGwz
X4IIATjykzpflsliFqJWq76PDENUw+UelDr+SuXlyTsgFRAmt4PLYPEzAoGAMsMe
5Ffz/Uq2ocAe/B/0v2FukhCqssqbHIfbDpfdl1l68qU9+L3MRIU4kXea8hclEqev
x8S9UPWQqGXa4pbMVkJsR1P1Uabum+IRbGXSbB8d1u9BochGuXmoRS4ymfp/LR8r
IlsxAOT3ydSBZbf8hKP6ij0bLRbgoGErwl6TueECgYB3UUeh95t1dVxBcFJjCGtd
DS2qfRnlEFZbSInh006mWz0+cKaWqomULGPcnoH2dGONakD79LBamFSOpp/QisaS
uEg9MeE+yaIoGCouKs79xP5Mj2oZcdQ/J3p4JRcV79v3b6Cu0II2wVgPH62JjRs+
BxjItmU8Hbo+Gy7OqzNj3g==
-----END PRIVATE KEY-----
"""


def key_file(token_address: str) -> dict[str, str]:
    """The service account's key file, as Google's console lets one download it."""
    return {
        "type": "service_account",
        "project_id": "sandbox-project",
        "private_key_id": SERVICE_KEY_ID,
        "private_key": SERVICE_KEY,
        "client_email": SERVICE_ACCOUNT,
        "token_uri": token_address,
    }


def is_good(assertion: str, address: str, now: float) -> bool:
    """Whether the service account signed this for the token endpoint at ``address``, for this API and for now."""
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion,
            _public_key(),
            algorithms=["RS256"],
            audience=[address, TOKEN_ADDRESS],
            issuer=SERVICE_ACCOUNT,
            # Both are judged below: by the sandbox's clock.
            options={"require": ["iss", "aud", "iat", "exp"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        return False
    begins, ends = claims["iat"], claims["exp"]
    if not all(isinstance(moment, int | float) for moment in (begins, ends)):
        return False
    in_time = begins <= now + SKEW_SECONDS and now - SKEW_SECONDS < ends <= begins + LONGEST_SECONDS
    return in_time and SCOPE in str(claims.get("scope", "")).split()


@cache
def _public_key() -> RSAPublicKey:
    public = load_pem_private_key(SERVICE_KEY.encode(), password=None).public_key()
    assert isinstance(public, RSAPublicKey)
    return public
