"""
An archive in storage that speaks S3, through boto3 (the extra ``s3``).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from gateway.errors import SecretMissing
from gateway.secrets import Secrets
from gateway.settings import EgressSettings
from gateway_audit.retention.archives import ArchiveProblem
from gateway_audit.retention.settings import ArchiveSettings

#: Bytes of one object that are read; a bundle of the largest entries has 16.8 million.
MAX_OBJECT: Final = 64 * 1024 * 1024
_GONE: Final = frozenset({"NoSuchKey", "404"})


class S3Archive:
    """
    Objects of one bucket, below a prefix.

    Args:
        settings: Of a bucket.
        folder: What names begin with, behind the settings' own prefix.
    """

    def __init__(
        self,
        settings: ArchiveSettings,
        folder: str,
        *,
        egress: EgressSettings,
        secrets: Secrets,
    ) -> None:
        place = settings.bucket
        if place is None:
            raise ValueError("the settings name no bucket")
        self._bucket = place[0]
        self._prefix = "/".join(part for part in (place[1], folder) if part)
        self._settings = settings
        self._egress = egress
        self._secrets = secrets
        self._known: tuple[tuple[str, ...], Any] | None = None

    def put(self, path: str, content: bytes) -> None:
        """
        Store an object.
        """
        self._ask("put_object", path, Body=content)

    def get(self, path: str) -> bytes | None:
        """
        Read an object.
        """
        reply = self._ask("get_object", path)
        if reply is None:
            return None
        body = reply["Body"]
        try:
            content: bytes = body.read(MAX_OBJECT + 1)
        except Exception as exc:  # noqa: BLE001 - boto3 has no family of errors for it
            raise ArchiveProblem(f"S3 broke off: {type(exc).__name__}") from None
        finally:
            body.close()
        if len(content) > MAX_OBJECT:
            raise ArchiveProblem(f"{path} is larger than what was stored")
        return content

    def remove(self, path: str) -> None:
        """
        Remove an object, and all below its name.
        """
        self._ask("delete_object", path)
        token: dict[str, str] = {}
        while True:
            found = self._call(
                "list_objects_v2", Prefix=f"{self._name(path)}/", **token
            )
            for each in found.get("Contents", ()):
                self._call("delete_object", Key=each["Key"])
            if not found.get("IsTruncated"):
                return
            token = {"ContinuationToken": found["NextContinuationToken"]}

    def _name(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path

    def _ask(self, operation: str, path: str, **more: Any) -> Any:
        return self._call(operation, Key=self._name(path), **more)

    def _call(self, operation: str, **more: Any) -> Any:
        """
        Ask; None if there is no such object.
        """
        client = self._client()
        errors = import_module("botocore.exceptions")
        try:
            return getattr(client, operation)(Bucket=self._bucket, **more)
        except errors.ClientError as exc:
            code = str(exc.response.get("Error", {}).get("Code", "unknown"))
            if code in _GONE:
                return None
            raise ArchiveProblem(f"S3 answered {code}") from None
        except errors.BotoCoreError as exc:
            raise ArchiveProblem(f"S3: {type(exc).__name__}") from None

    def _client(self) -> Any:
        """
        Return a client with the credentials of now.
        """
        keys = self._keys()
        if self._known is None or self._known[0] != keys:
            self._known = (keys, self._make(keys))
        return self._known[1]

    def _keys(self) -> tuple[str, ...]:
        key_id, secret = self._settings.key_id, self._settings.secret
        if key_id is None or secret is None:
            return ()
        try:
            return self._secrets.get(key_id), self._secrets.get(secret)
        except SecretMissing as exc:
            raise ArchiveProblem(str(exc)) from None

    def _make(self, keys: tuple[str, ...]) -> Any:
        try:
            boto3 = import_module("boto3.session")
            config_of = import_module("botocore.config").Config
        except ImportError:
            msg = "S3 needs boto3: pip install 'gatewright-audit[s3]'"
            raise ArchiveProblem(msg) from None
        config = config_of(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 3},
            # Storage that is not Amazon's may not know the newer checksums; what is stored is
            # read back and compared anyway.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            proxies=self._proxies(),
        )
        ca_file = self._egress.ca_file
        names = ("aws_access_key_id", "aws_secret_access_key")
        return boto3.Session().client(
            "s3",
            endpoint_url=self._settings.endpoint,
            region_name=self._settings.region,
            verify=str(ca_file) if ca_file is not None else None,
            config=config,
            **dict(zip(names, keys, strict=False)),
        )

    def _proxies(self) -> dict[str, str] | None:
        proxy = self._egress.proxy
        if proxy is None:
            return None
        if proxy.secret is not None:
            raise ArchiveProblem("S3 through a proxy with credentials is not supported")
        return {"http": proxy.url, "https": proxy.url}
