"""
AWS's words for personal facts and what they are called here.

Source: botocore's model of ``bedrock-runtime``, ``GuardrailPiiEntityType`` (Apache-2.0).
"""

from __future__ import annotations

from typing import Final

from gateway.detecting import Severity

__all__ = ["AWS_TYPES", "severity_of", "type_of"]

#: All that AWS tells apart.
AWS_TYPES: Final = tuple(
    """
    ADDRESS AGE AWS_ACCESS_KEY AWS_SECRET_KEY CA_HEALTH_NUMBER CA_SOCIAL_INSURANCE_NUMBER
    CREDIT_DEBIT_CARD_CVV CREDIT_DEBIT_CARD_EXPIRY CREDIT_DEBIT_CARD_NUMBER DRIVER_ID EMAIL
    INTERNATIONAL_BANK_ACCOUNT_NUMBER IP_ADDRESS LICENSE_PLATE MAC_ADDRESS NAME PASSWORD PHONE
    PIN SWIFT_CODE UK_NATIONAL_HEALTH_SERVICE_NUMBER UK_NATIONAL_INSURANCE_NUMBER
    UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER URL USERNAME US_BANK_ACCOUNT_NUMBER
    US_BANK_ROUTING_NUMBER US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER US_PASSPORT_NUMBER
    US_SOCIAL_SECURITY_NUMBER VEHICLE_IDENTIFICATION_NUMBER
    """.split()
)

_OURS: Final = {
    "CA_HEALTH_NUMBER": "CA_HEALTH",
    "CA_SOCIAL_INSURANCE_NUMBER": "CA_SIN",
    "CREDIT_DEBIT_CARD_CVV": "CVV",
    "CREDIT_DEBIT_CARD_EXPIRY": "CARD_EXPIRY",
    "CREDIT_DEBIT_CARD_NUMBER": "CREDIT_CARD",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": "IBAN",
    "NAME": "PERSON",
    "SWIFT_CODE": "SWIFT_BIC",
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": "UK_NHS",
    "UK_NATIONAL_INSURANCE_NUMBER": "UK_NINO",
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": "UK_UTR",
    "US_BANK_ACCOUNT_NUMBER": "US_BANK_ACCOUNT",
    "US_BANK_ROUTING_NUMBER": "US_ROUTING",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": "US_ITIN",
    "US_PASSPORT_NUMBER": "US_PASSPORT",
    "US_SOCIAL_SECURITY_NUMBER": "US_SSN",
    "VEHICLE_IDENTIFICATION_NUMBER": "VIN",
}
_CREDENTIALS: Final = frozenset({"AWS_ACCESS_KEY", "AWS_SECRET_KEY", "PASSWORD"})


def type_of(aws_type: str) -> str:
    """
    Return what is called *aws_type* by AWS in our words; a new one keeps its name.
    """
    return _OURS.get(aws_type, aws_type)


def severity_of(aws_type: str) -> Severity:
    """
    Return how bad it is that it is there.
    """
    return "critical" if aws_type in _CREDENTIALS else "medium"
