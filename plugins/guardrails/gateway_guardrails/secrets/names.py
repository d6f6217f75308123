"""
Names that give secrets away, and those that only look it.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from gateway_guardrails.patterns import Pattern
from gateway_guardrails.secrets.formats import NamedFormat

__all__ = ["NAMES", "Kind", "Name", "is_of_something_else", "kind_of", "stands_alone"]

Kind = Literal[
    "password",
    "secret",
    "token",
    "key",
    "jwk",
    "pair",
    "bearer",
    "basic",
    "vendor",
    "session",
    "phrase",
]


class Name(NamedTuple):
    """
    A literal that gives a secret away.

    Attributes:
        literal: In lower case.
        kind: How a value must look behind it.
        rows: The vendor's formats, of one value each.
    """

    literal: str
    kind: Kind
    rows: tuple[tuple[NamedFormat, Pattern], ...] = ()


#: Letters beyond ASCII are matched as they stand, so both cases are told.
NAMES: Final[tuple[Name, ...]] = (
    *(
        Name(word, "password")
        for word in (
            *("pass", "pwd", "pw", "psw", "pssw", "securestring", "identified"),
            *(
                "networkcredential",
                "directoryentry",
                "basicauth",
                "passwordcredentials",
            ),
            *("passwordauthentication", "mysqli_connect", "getconnection", "auth="),
            *("sshpass -p ", "rootpw", "dbpw", "bindpw", "psk", "mdp"),
            *(":5432:", ":5433:", ":6432:", ":*:", "]:587", "]:465", "]:25"),
            *(
                "mysql",
                "mongo",
                "redis-cli",
                "ldapsearch",
                "ldapmodify",
                "docker login",
            ),
            *("psexec", "sqlplus", "smbclient", "jdbc:oracle:thin:", "connect "),
            *("sqlcmd", "htpasswd", "openssl", "rdesktop", "xfreerdp", "useradd"),
            *("net use ", "net user ", "wpa_passphrase", "addauth digest"),
            *(
                "snmp-server community",
                "snmpwalk",
                "snmpget",
                "mosquitto_",
                "evil-winrm",
                "impacket-",
            ),
            *("rclone obscure", "login -", "7z ", "zip -p", "plink", "wifi:"),
            *("plainauth(", "ftp_login(", "new pdo(", "create_user(", "createuser("),
            *("login", "login(", "credentials(", "ssh.connect("),
            *(
                "kennwort",
                "contraseña",
                "contrasena",
                "senha",
                "wachtwoord",
                "salasana",
            ),
            *(
                "lösenord",
                "losenord",
                "mot de passe",
                "clave",
                "hasło",
                "heslo",
                "passord",
            ),
            *(
                "adgangskode",
                "kodeord",
                "parola",
                "şifre",
                "Şifre",
                "jelszó",
                "kata sandi",
            ),
            *(
                "mật khẩu",
                "κωδικός",
                "Κωδικός",
                "пароль",
                "Пароль",
                "密码",
                "密碼",
                "口令",
            ),
            *("비밀번호", "パスワード", "पासवर्ड", "كلمة المرور", "كلمة السر", "סיסמה"),
            *("palavra-passe", "parola d'ordine", "lozinka", "geslo", "slaptažodis"),
            *("contrasenya", "парола", "Парола", "รหัสผ่าน", "رمز عبور"),
        )
    ),
    *(Name(word, "pair") for word in ("userpwd", "-u ", "-user", "http -a ")),
    *(Name(word, "secret") for word in ("secret", "cred")),
    *(
        Name(word, "token")
        for word in (
            *("token", "auth", "_pat", "sonar.login", "totp", "github-oauth"),
            *("vault login", "jwt.sign(", "jwt.encode(", "createhmac("),
            *("fernet(", "cookieparser("),
            # What others call a token, and a key of an interface.
            *("токен", "Токен", "トークン", "令牌", "토큰", "jeton"),
            *("api-schlüssel", "clé api", "clé d'api", "clé secrète", "clé d'accès"),
            *("clave de api", "clave api", "clave secreta", "clave de acceso"),
            *("chave de api", "chave da api", "chave secreta", "chave de acesso"),
            *("chiave api", "chiave segreta", "klucz api", "api-sleutel", "api-nyckel"),
            *("ключ api", "Ключ api", "api-ключ", "секретный ключ", "ключ доступа"),
            *("密钥", "密鑰", "apiキー", "シークレットキー", "アクセスキー", "api 키"),
        )
    ),
    *(
        Name(word, "session")
        for word in (
            *("sessionid=", "sessid=", "session=", "connect.sid=", "cookies="),
            *("session_id=", "session-id:", "sess=", "sid="),
        )
    ),
    *(
        Name(word, "phrase")
        for word in (
            *("mnemonic", "seed phrase", "recovery phrase", "secret phrase"),
            *("seed words", "recovery words", "backup phrase", "wallet phrase"),
            *("bip39", "bip-39", "seed_phrase", "seedphrase"),
        )
    ),
    *(Name(word, "key") for word in ("key", "nonce", "salt", "_api")),
    *(Name(word, "jwk") for word in ('"d"', '"k"')),
    Name("bearer ", "bearer"),
    Name("basic ", "basic"),
)
#: What is part of many other words.
_ALONE: Final = frozenset(
    {
        *("pw", "psw", "auth", "cred", "salt", "nonce", "clave", "psk", "parola"),
        *("mdp", "totp", "geslo", "session=", "sid=", "jeton", "login", "login("),
    }
)
#: What a word may go on with in small letters, where it is known; with anything else it is another.
_GOES_ON: Final = {
    **dict.fromkeys(("key", "_api", "_pat"), ""),
    "token": "s",
    "auth": "eokt",
    "pass": "wpci",
}


def stands_alone(text: str, start: int, end: int, name: Name) -> bool:
    """
    Tell whether what stands from *start* to *end* is *name*, and no part of another word.
    """
    after = text[end : end + 1]
    goes_on = _GOES_ON.get(name.literal)
    if goes_on is not None and after.isalpha() and after.lower() not in goes_on:
        is_camel = after.isupper() and text[end - 1].islower()  # keyOfService
        if not is_camel:
            return False
    if name.kind != "vendor" and name.literal not in _ALONE:
        return True
    before, first = text[start - 1 : start], text[start]
    if start and before.isalpha() and not (first.isupper() and before.islower()):
        return False
    if not after.islower():
        return True
    return not text[end - 1].isupper() or text[start:end].isupper()


def _any(*words: str) -> str:
    return "|".join(one for each in words for one in each.split())


# What stands behind a secret's name when the value is about it.
_ABOUT: Final = _any(
    "ids? names? alias file filename path dir url uri endpoint host port length len size type",
    "version prefix suffix field column label placeholder hint policy strength reset changed?",
    r"expir\w* ttl age count index store ring pair board frame mesh press\w* stone selector",
    "signature spec usage algorithm hash digest method mode provider server service group class",
    "error status callback handler scopes? enabled required ref arn format source env var",
    "encryption",
)
# Keys that open nothing.
_DULL_KEY: Final = _any(
    r"pub public publish\w* primary foreign partition sort cache bucket schema sequence natural",
    "hot idx idempotency dict map row group label project issue object",
)
_COUNTED: Final = _any(
    "min max num n total prompt completion input output pad eos bos unk stop special next page",
    r"continuation cancel\w{0,6} sync",
)
_OTHER_WORD: Final = _any(
    r"author(?!iz) accessib accessor access_?id\b \brapid(?!api) capital therap",
    r"csrf xsrf authenticity store_?secrets",
    r"public[_.-]?token tokens\b tokeni[sz] token_?(?:type|count|limit|ids?)",
    r"\bkeywords? \bkeyboard monkey turkey whiskey hockey jockey donkey",
    "(?:x-)?key(?:up|down|code|frames?|stroke|note|map|press)",
    r"passive passenger passing \bpassed passes\b compass b[uy]+pass passport passage",
    "pass_?(?:through|rate|fail|count) minipass",
    r"secretar secretions secretId$ credentials?id withcredentials usersecretsid",
    r"vault[_.-]?(?:id|name) io\.jsonwebtoken issuerkeyhash apis?\b.{0,3}jar",
    r"api[_.-]?(?:version|name|id)\b authenticat(?:ion)?-results x-ms-exchange authsource",
    r"authored authorit authn\b",
)
_OF_SOMETHING_ELSE: Final = re.compile(
    rf"""
    {_OTHER_WORD} | (?:{_DULL_KEY})[_.-]?key
    | (?:^|[^A-Za-z])(?:{_COUNTED})[_.-]?(?:new[_.-]?)?tokens?
    | (?P<about>
        (?:key|token|secret|password|passwd|pass|auth|credentials?|creds|api)s?[_.-]?(?:{_ABOUT})\b
      )
    """,
    re.VERBOSE | re.IGNORECASE,
)

_ENDS_AS_SECRET: Final = re.compile(
    r"[_.-](?:password|passwd|pwd|secret)$", re.IGNORECASE
)


def is_of_something_else(name: str) -> bool:
    """
    Tell whether *name* has a secret's name in it and is none: ``csrf_token``, ``keyboard``.
    """
    found = _OF_SOMETHING_ELSE.search(name)
    if found is None:
        return False
    # keystore.password: what the name ends with says what it is.
    return found["about"] is None or _ENDS_AS_SECRET.search(name, found.end()) is None


_TOKEN_KEY: Final = re.compile(
    r"(?:api|access|secret|private|auth)[_.\- ]?key(?:[_.\-]?\w{0,8})?$", re.IGNORECASE
)
_OTHER_KEY: Final = re.compile(
    r"""
    (?:^|[_.\-])\w{2,12}[_.\-]?key(?:[_.\-]?\w{0,8})?$ | ^key(?:_?\w{0,8})?$
    | (?:^|_)api$ | key$ | nonce | salt
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BEFORE_KEY: Final = ("api ", "ess ", "ret ", "ate ")


def kind_of(name: Name, whole: str, before: str) -> Kind | None:
    """
    Say how a value must look, by all of its name; None if that names no secret.

    Args:
        whole: The word that *name* is part of.
        before: What stands before *name*.
    """
    if name.kind != "key":
        return name.kind
    if _TOKEN_KEY.search(whole) or before[-4:].lower() in _BEFORE_KEY:
        return "token"
    return "key" if _OTHER_KEY.search(whole) else None
