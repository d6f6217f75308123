"""
Names behind which a password stands at a place of its own: options of commands, arguments of calls.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["BY_COMMAND", "BY_PLACE", "LOOSE"]

_FLAGS: Final = re.ASCII | re.IGNORECASE


def _arguments(least: int, most: int) -> re.Pattern[str]:
    """
    Match so many arguments, and the quote of the next: ``("name", "``.
    """
    text = r"""[A-Za-z]?"[^"\n]{0,60}"|[A-Za-z]?'[^'\n]{0,60}'"""
    one = rf"(?:{text}|[$A-Za-z_0-9][\w.\->]{{0,24}})\s{{0,4}},\s{{0,24}}"
    return re.compile(
        rf"""[ \t]{{0,4}}(?:\([ \t]{{0,4}})?(?:{one}){{{least},{most}}}[a-z]?["']""",
        _FLAGS,
    )


#: Arguments of calls: NetworkCredential("name", "..."), getConnection(url, "name", "...").
BY_PLACE: Final = {
    **dict.fromkeys(
        (
            *("networkcredential", "directoryentry", "basicauth"),
            *("passwordcredentials", "passwordauthentication", "mysqli_connect"),
            *("getconnection", "auth=", "login("),
        ),
        _arguments(1, 2),
    ),
    **dict.fromkeys(("jwt.sign(", "jwt.encode(", "createhmac("), _arguments(1, 1)),
    **dict.fromkeys(("fernet(", "cookieparser("), _arguments(0, 0)),
    **dict.fromkeys(
        ("plainauth(", "ftp_login(", "new pdo(", "create_user(", "createuser("),
        _arguments(2, 2),
    ),
    **dict.fromkeys(("credentials(", "ssh.connect("), _arguments(3, 3)),
}
#: What many other things are called as well: a value must look a password there.
LOOSE: Final = frozenset(
    {
        *(
            "login",
            "login(",
            "create_user(",
            "createuser(",
            "credentials(",
            "ssh.connect(",
        ),
        *("plainauth(", "net user ", "net use ", "connect ", "]:25", ":*:", "openssl"),
        *(
            "snmp-server community",
            "7z ",
            "zip -p",
            "snmpwalk",
            "snmpget",
            "login -",
            "htpasswd",
            "plink",
        ),
        *("wpa_passphrase", "impacket-", "rclone obscure"),
    }
)
# Options of commands that take a password: mysql -u app -p..., redis-cli -a ...
_WORDS: Final = r"(?:[ \t]{1,4}[^\s|;&]{1,32}+){0,5}?[ \t]{1,4}"
# All of it stands in one run of characters, which is decided as a whole.
_BEFORE_HOST: Final = r"(?=[A-Za-z0-9_.\-~+=:%$!?#&*^|]{5,64}@[A-Za-z0-9])"
BY_COMMAND: Final = {
    name: re.compile(pattern + r"[\"']?", re.ASCII)
    for name, pattern in {
        "mysql": r"(?:dump|admin|import)?" + _WORDS + "-p",
        "mongo": r"(?:dump|sh|restore|export|import)?" + _WORDS + r"-p[ \t]{1,4}",
        "redis-cli": _WORDS + r"-a[ \t]{1,4}",
        "ldapsearch": _WORDS + r"-w[ \t]{0,4}",
        "ldapmodify": _WORDS + r"-w[ \t]{0,4}",
        "docker login": _WORDS + r"-p[ \t]{1,4}",
        "psexec": r"(?:\.exe)?" + _WORDS + r"-p[ \t]{1,4}",
        "sqlplus": r"(?:[ \t]{1,4}-\w)?[ \t]{1,4}\w{1,30}/",
        "smbclient": _WORDS + r"-U[ \t]{0,4}[\"']?[^\s%]{1,32}%",
        "jdbc:oracle:thin:": r"\w{1,30}/",
        "connect ": r"[A-Za-z_]\w{0,29}/" + _BEFORE_HOST,
        "identified": r"(?i:[ \t]{1,4}with[ \t]{1,4}\w{1,30})?(?i:[ \t]{1,4}by)"
        r"(?i:[ \t]{1,4}password)?[ \t]{1,4}",
        "sqlcmd": _WORDS + r"-P[ \t]{0,4}",
        "htpasswd": r"[ \t]+-[A-Za-z]{0,4}b[A-Za-z]{0,4}(?:[ \t]+[^\s|;&]{1,48}){2}[ \t]+",
        "openssl": _WORDS + r"-k[ \t]{1,4}",
        "rdesktop": _WORDS + r"-p[ \t]{0,4}",
        "xfreerdp": _WORDS + r"/p:",
        "useradd": _WORDS + r"-p[ \t]{1,4}",
        "net use ": r"(?:[A-Za-z*]:?[ \t]{1,4})?\\\\[^\s]{1,48}[ \t]{1,4}",
        "net user ": r"[\w.\-]{1,24}[ \t]{1,4}",
        "wpa_passphrase": r"[ \t]{1,4}[^\s|;&]{1,32}[ \t]{1,4}",
        "addauth digest": r"[ \t]{1,4}\w{1,24}:",
        "snmp-server community": r"[ \t]{1,4}",
        "snmpwalk": _WORDS + r"-[AX][ \t]{1,4}",
        "snmpget": _WORDS + r"-[AX][ \t]{1,4}",
        "mosquitto_": r"\w{3}" + _WORDS + r"-P[ \t]{1,4}",
        "evil-winrm": _WORDS + r"-p[ \t]{1,4}",
        "impacket-": r"\w{2,16}[ \t]{1,4}(?:[\w.\-]{1,24}/)?[\w.\-]{1,24}:"
        + _BEFORE_HOST,
        "rclone obscure": r"[ \t]{1,4}",
        "vault login": r"[ \t]{1,4}",
        # The login for the shop: anna / ...
        "login": r"(?:[ \t][A-Za-z0-9 ]{1,40}|s)?+:[ \t]{1,4}[\w.@+\-]{1,40}+ / ",
        "login -": r"(?:p|[^\s|;&]{0,24}+" + _WORDS + r"-p)[ \t]{1,4}",
        "7z ": r"[a-z]{1,2}" + _WORDS + r"-p",
        "zip -p": r"[ \t]{1,4}",
        "plink": r"(?:\.exe)?" + _WORDS + r"-pw[ \t]{1,4}",
        # WIFI:T:WPA;S:name;P:...;;
        "wifi:": r"(?:[A-OQ-Z]:[^;\n]{0,40};){1,4}P:",
        # ~/.pgpass: host:port:database:user:...
        **dict.fromkeys(
            (":5432:", ":5433:", ":6432:", ":*:"), r"[^\s:]{1,40}:[^\s:/]{1,40}:"
        ),
        # Postfix's sasl_passwd: [host]:587 user:...
        **dict.fromkeys(("]:587", "]:465", "]:25"), r"[ \t]{1,8}[^\s:]{1,64}:"),
        "github-oauth": r"""["'][ \t]*:[ \t]*\{\s{0,16}"[^"\n]{1,40}"[ \t]*:[ \t]*""",
        # A cookie; connect.sid's is signed, s%3A...
        **dict.fromkeys(
            (
                *("sessionid=", "sessid=", "session=", "connect.sid=", "cookies="),
                *("session_id=", "session-id:", "sess=", "sid="),
            ),
            r"[ ]?(?:s(?:%3A|:))?",
        ),
    }.items()
}
