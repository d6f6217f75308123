"""
What is the same for everything that AWS is asked: where, who asks, and what its failures mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import attrs

from gateway.detecting import DetectorFailed
from gateway.errors import ConfigError
from gateway.settings import SecretRef, between, http_url, told
from gateway_guardrails.remote import failures
from gateway_guardrails.remote.asking import ServiceOptions, check_clear

__all__ = ["AwsOptions", "check_extra", "failure_of"]

#: What botocore raises, by the reason that it is.
_REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    "timeout": ("ConnectTimeoutError", "ReadTimeoutError"),
    "unreachable": ("HTTPClientError", "ConnectionError", "HTTPError"),
    "misconfigured": (
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "NoRegionError",
        "InvalidRegionError",
        "EndpointProviderError",
        "UnknownServiceError",
        "ProfileNotFound",
        "ParamValidationError",
        "TokenRetrievalError",
    ),
}
#: Error codes of AWS that say more than the status they come with.
_CODES: Final[Mapping[str, str]] = {
    "ThrottlingException": "throttled",
    "TooManyRequestsException": "throttled",
    "ServiceQuotaExceededException": "throttled",
    "ExpiredTokenException": "misconfigured",
    "UnrecognizedClientException": "misconfigured",
}


@attrs.frozen(kw_only=True)
class AwsOptions(ServiceOptions):
    """
    Where Bedrock is, who asks, and how much at once.

    Attributes:
        region: None leaves it to the environment, as AWS's tools do.
        endpoint_url: None is AWS's own for the region.
        allow_http: *endpoint_url* may be ``http://``, which sends texts in clear.
        access_key: With *secret_key*; without both AWS's chain finds credentials: environment,
            shared files, container, instance.
        session_token: Of temporary credentials.
        max_characters: A longer text is sent in parts.
        join_characters: Short texts of one role are sent together up to so many; 0 sends each
            by itself.
    """

    region: str | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(
            attrs.validators.matches_re(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
        ),
        metadata=told("The region; left out: as AWS's own tools find it."),
    )
    endpoint_url: str | None = attrs.field(
        default=None,
        validator=http_url,
        metadata=told("The URL of a VPC endpoint; left out: AWS's own."),
    )
    allow_http: bool = attrs.field(
        default=False,
        metadata=told("Whether http:// is allowed, which sends texts in clear."),
    )
    access_key: SecretRef | None = attrs.field(
        default=None,
        metadata=told("An access key's id; left out: AWS's credential chain."),
    )
    secret_key: SecretRef | None = attrs.field(
        default=None, metadata=told("The access key's secret.")
    )
    session_token: SecretRef | None = attrs.field(
        default=None, metadata=told("The session token of temporary credentials.")
    )
    max_characters: int = attrs.field(
        default=20_000,
        validator=between(1_000, 1_000_000),
        metadata=told("A longer text is sent in parts that overlap."),
    )
    join_characters: int = attrs.field(
        default=2_000,
        validator=between(0, 20_000),
        metadata=told(
            "Short texts are sent together up to so many characters; 0: never."
        ),
    )

    def __attrs_post_init__(self) -> None:
        if (self.access_key is None) != (self.secret_key is None):
            msg = "access_key and secret_key go together; without both, AWS's chain"
            raise ValueError(msg)
        if self.endpoint_url is not None:
            check_clear("endpoint_url", self.endpoint_url, allow_http=self.allow_http)


def check_extra(detector: str) -> None:
    """
    Import boto3, which takes longer than the first question may take.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import_module("boto3.session")
    except ImportError:
        raise ConfigError(
            f"the detector {detector} needs boto3: "
            "pip install 'gatewright-guardrails[bedrock]'"
        ) from None


def failure_of(exc: Exception) -> DetectorFailed:
    """
    Return what an exception of botocore means.
    """
    answer = getattr(exc, "response", None)
    if isinstance(answer, dict):
        return _of_answer(answer)
    names = [kind.__name__ for kind in type(exc).__mro__]
    # A timeout is a connection's failure too, for botocore: the narrower word comes first.
    for reason, known in _REASONS.items():
        if any(name in known for name in names):
            return DetectorFailed(reason, names[0])
    return failures.garbage(names[0])


def _of_answer(answer: dict[str, Any]) -> DetectorFailed:
    error, metadata = answer.get("Error"), answer.get("ResponseMetadata")
    code = failures.word_of(error.get("Code") if isinstance(error, dict) else "")
    status = metadata.get("HTTPStatusCode") if isinstance(metadata, dict) else None
    if code in _CODES:
        return DetectorFailed(_CODES[code], f"status {status} {code}")
    return failures.of_status(status if isinstance(status, int) else 500, code)
