"""Explain S3 errors that a person can fix, in one line, from any library."""

from __future__ import annotations

import re

from customer_segmentation.errors import UserError

_CREDENTIALS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE names"
_NOBODY = "nothing answers{at}: check AWS_ENDPOINT_URL and the network"
_NO_CREDENTIALS = f"there are no credentials for S3: set {_CREDENTIALS}"
_EXPIRED = "the credentials have expired: log in again, or set new ones"
_NOT_S3 = "what answers{at} is not S3: check AWS_ENDPOINT_URL"
_REGION = "the bucket is in another region{region}: set AWS_REGION and AWS_DEFAULT_REGION{to}"
_BUSY = "S3 is busy or down: try again later"
_NO_BUCKET = "there is no such bucket: make it, or name another one"

# What a write that must replace nothing is answered where there is an object of its name.
THERE = frozenset({"PreconditionFailed", "412"})
IN_CONFLICT = "ConditionalRequestConflict"

# By S3 error code, botocore exception, or HTTP status if S3 says no more.
_ADVICE = {
    **dict.fromkeys(("NoSuchBucket", "UnknownStoreException"), _NO_BUCKET),
    "AccessDenied": (
        "these credentials may not do what a run does: they need s3:ListBucket on the bucket, and"
        " s3:GetObject, s3:PutObject and s3:DeleteObject on what is in it (docs/access.md)"
    ),
    "403": (
        f"S3 refuses these credentials, and does not say why: check {_CREDENTIALS},"
        " and what they may do (docs/access.md)"
    ),
    "InvalidAccessKeyId": f"S3 does not know the access key: check {_CREDENTIALS}",
    "SignatureDoesNotMatch": (
        "the secret key does not match the access key: check AWS_SECRET_ACCESS_KEY,"
        " or the profile that AWS_PROFILE names"
    ),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"), _EXPIRED),
    **dict.fromkeys(("TokenRetrievalError", "UnauthorizedSSOTokenError"), _EXPIRED),
    "InvalidToken": (
        "the session token does not match the access key: unset AWS_SESSION_TOKEN,"
        " or set it together with its two keys"
    ),
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it",
    **dict.fromkeys(("PermanentRedirect", "AuthorizationHeaderMalformed"), _REGION),
    **dict.fromkeys(("IllegalLocationConstraintException", "301"), _REGION),
    "400": (
        "S3 refuses the request, and does not say why: most often AWS_REGION or"
        " AWS_SESSION_TOKEN is wrong"
    ),
    "NotImplemented": (
        "this store does not support conditional writes, which the lock on an environment needs:"
        " use one that does"
    ),
    **dict.fromkeys(("405", "501", "ResponseParserError"), _NOT_S3),
    **dict.fromkeys(("SlowDown", "ServiceUnavailable", "InternalError", "500", "503"), _BUSY),
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": f"half of the credentials is missing: set {_CREDENTIALS}",
    "ProfileNotFound": "the profile that AWS_PROFILE names is not there: `aws configure` makes it",
    **dict.fromkeys(("EndpointConnectionError", "ConnectTimeoutError"), _NOBODY),
    **dict.fromkeys(("ConnectionClosedError", "ReadTimeoutError"), _NOBODY),
    "ProxyConnectionError": "the proxy does not answer: check HTTPS_PROXY and NO_PROXY",
    "SSLError": (
        "no trusted connection can be made: check whether AWS_ENDPOINT_URL is http or https,"
        " and AWS_CA_BUNDLE"
    ),
}

# The same in messages of Polars and delta-rs (object_store), Kedro around botocore, and Spark
# (s3a): a pattern, and the key above, or None for the captured code. The first match counts.
_TEXTS = (
    # object_store asks the metadata service of AWS if it finds no credentials.
    (
        r"169\.254\.169\.254|NoAuthWithAWSException|Unable to locate credentials",
        "NoCredentialsError",
    ),
    (r"Error performing[\s\S]*?<Code>(\w+)</Code>", None),
    (r"An error occurred \((\w+)\) when calling the", None),
    (r"Service: S3, Status Code: .*?\):([A-Z]\w+)", None),
    (r"Service: S3, Status Code: (\d+)", None),
    (r"Error performing[\s\S]*?non-2xx status code\D*(\d+)", None),
    (r"Received redirect without LOCATION", "PermanentRedirect"),
    (r"Could not connect to the endpoint URL", "EndpointConnectionError"),
    (r"Error performing \w+ http[\s\S]*?error sending request", "EndpointConnectionError"),
    (r"s3a://[\s\S]*?(?:Unable to execute HTTP|UnknownHostException)", "EndpointConnectionError"),
    (r"DELTA_CANNOT_CREATE_LOG_PATH.*?s3a?://", "AccessDenied"),
)
_REGION_NAMED = r"(?:<Region>|expecting ['\"]|'Region': '|'x-amz-bucket-region': ')([a-z0-9-]+)"
_ENDPOINT_NAMED = r"https?://[^\s\"'/]+"


def explain_s3(error: BaseException, where: str) -> str | None:
    """What is wrong with the access to S3, and what to do; None for any other error.

    Args:
        error: What botocore, s3fs, Polars, delta-rs or Spark raised, or an error around it.
        where: What was to be read or written, `s3://bucket/folder`.
    """
    passed: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and seen not in passed:
        passed.append(seen)
        # The text of a client error lacks the region that S3 names.
        text = f"{seen} {getattr(seen, 'response', '')}"
        if advice := _ADVICE.get(_fault(seen, text) or ""):
            region = _first(_REGION_NAMED, text)
            endpoint = _first(_ENDPOINT_NAMED, text)
            wording = advice.format(
                region=f", {region}" if region else "",
                to=f" to {region}" if region else " to its region",
                at=f" at {endpoint}" if endpoint else "",
            )
            return f"{where}: {wording}"
        seen = seen.__cause__ or seen.__context__
    return None


def store_error(error: BaseException, where: str) -> UserError:
    """The same as an error for a person; one that cannot be explained keeps its own words."""
    return UserError(explain_s3(error, where) or f"{where}: {error}")


def code_of(error: BaseException | None) -> str | None:
    """The S3 error code of a botocore error."""
    response = getattr(error, "response", None)
    return response.get("Error", {}).get("Code") if isinstance(response, dict) else None


def _fault(error: BaseException, text: str) -> str | None:
    if code := code_of(error):
        return code
    # By name, since botocore may not be installed.
    if type(error).__module__.startswith("botocore"):
        return type(error).__name__
    return next(
        (fault or match[1] for pattern, fault in _TEXTS if (match := re.search(pattern, text))),
        None,
    )


def _first(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[match.lastindex or 0] if match else None
