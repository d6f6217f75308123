"""
Values that a name gives away, in code, settings, commands, markup and sentences.
"""

from __future__ import annotations

import pytest

from .conftest import found_in, made

# Parts of them, so that no line of this file looks leaked.
PASSWORD = "Tr0ub4" + "dor&3x"
TOKEN = made("{an32}")
PLAIN = made("{lan12}") + "7q"

TEMPLATES = [
    'password = "{}"',
    "DB_PASSWORD={}",
    "export PGPASSWORD='{}'",
    '{{"password": "{}"}}',
    '{{\\"password\\": \\"{}\\"}}',
    "password: {}",
    "  - name: DB_PASSWORD\n    value: {}",
    "<password>{}</password>",
    '<Pass encoding="base64">{}</Pass>',
    '<wsse:Password Type="http://docs.example/wss#PasswordText">{}</wsse:Password>',
    "<entry key='password' type='string'>{}</entry>",
    '<add key="Password" value="{}" />',
    "define('DB_PASSWORD', '{}');",
    'conn.setPassword("{}");',
    "'password' => '{}',",
    'val password: String = "{}"',
    'def connect(password: str = "{}"):',
    "mysql -u root --password {}",
    "mysql --password={} -h db",
    "ALTER USER app IDENTIFIED BY '{}';",
    "CREATE ROLE app LOGIN PASSWORD '{}';",
    'if (password !== "{}") {{',
    "my password is {}, please reset it",
    "The wifi password for the guests is: {}.",
    "| password | {} |",
    "user=anna pwd={} host=db",
    "machine db login anna password {}",
    "Das Passwort lautet: {}",
    "Mein Passwort lautet {}",
    "password\n{}",
    "ENV DB_PASSWORD {}",
    "пароль: {}",
    "密码：{}".replace("：", ": "),
    "spring.datasource.password={}",
    "https://a.example/login?user=a&password={}&next=1",
    "<key>password</key>\n\t<string>{}</string>",
    "<name>javax.jdo.option.ConnectionPassword</name>\n  <value>{}</value>",
    'variable "db_password" {{\n  type = string\n  default = "{}"\n}}',
    'let password: &str = "{}";',
    'const char password[] = "{}";',
    "**password**: {}",
    "rootpw {}",
    "sshpass -p {} ssh app@db.example",
    "mysql -u app -p{} shop",
    "redis-cli -h cache -a {} ping",
    "docker login -u anna -p {} registry.example",
    "sqlplus scott/{}@db.example",
    'requests.get(url, auth=("anna", "{}"))',
    "auth = HTTPBasicAuth('anna', '{}')",
    'DriverManager.getConnection(url, "anna", "{}")',
    "contraseña: {}",
    "mot de passe : {}",
    "Le mot de passe est {}",
    "hasło: {}",
    "heslo: {}",
    "şifre: {}",
    "パスワード：{}",
    "密码是{}",
    "mật khẩu: {}",
    "كلمة المرور: {}",
    "סיסמה: {}",
    "mdp : {}",
    "lozinka: {}",
    "парола: {}",
    "비밀번호는 {}",
    "parola este {}",
    "le mot de passe c'est {}",
    "The password for user 'anna' is '{}'.",
    "Password ......... {}",
    "Password\n--------\n{}",
    "passwords:\n  - {}\n",
    "password: |\n  {}\n",
    "password <- '{}'",
    'PASSWORD = ("{}")',
    "${{DB_PASSWORD:-{}}}",
    'os.environ.get("PASSWORD") or "{}"',
    'password: System.get_env("DB_SECRETS", "{}")',
    'parser.add_argument("--password", default="{}")',
    '{{"name": "DB_PASSWORD", "value": "{}"}}',
    '{{"ParameterKey":"DbPassword","ParameterValue":"{}"}}',
    '<property name="password"><value>{}</value></property>',
    "DbPassword:\n    Type: String\n    Default: {}\n",
    'Content-Disposition: form-data; name="password"\r\n\r\n{}\r\n',
    "ssl.keystore.password={}",
    "DbPassword: {}",
    "bindpw {}",
    "*:*:*:anna:{}",
    "db.example:5432:shop:anna:{}",
    "[smtp.a.example]:587 anna@a.example:{}",
    "WIFI:T:WPA;S:Home;P:{};;",
    "sqlcmd -S db -U sa -P {} -Q x",
    "htpasswd -b .htpasswd anna {}",
    "openssl enc -aes-256-cbc -k {} -in a",
    "podman login -u anna -p {} registry.example",
    "net user anna {} /add",
    "net use Z: \\\\srv\\share {} /user:anna",
    "xfreerdp /u:anna /p:{} /v:host",
    "wpa_passphrase Home {}",
    "zip -P {} a.zip b",
    "7z x a.7z -p{}",
    "snmpwalk -v3 -u anna -A {} host",
    "addauth digest anna:{}",
    "CONNECT scott/{}@db",
    "impacket-psexec corp/anna:{}@host",
    's.login("anna@a.example", "{}")',
    "ftp_login($c, 'anna', '{}');",
    "new PDO('mysql:host=db', 'anna', '{}');",
    'smtp.PlainAuth("", "anna", "{}", "smtp.a.example")',
    'create_user("anna", "anna@a.example", "{}")',
    'ssh.connect("host", 22, "anna", "{}")',
    "**Password:** {}",
    "**Password:** `{}`",
    "<b>Password:</b> {}",
    "*Password:* {}",
    "<strong>Password</strong>: {}",
    "I changed my password to {} today",
    "set the root password to '{}'",
    "the password was changed to {}.",
    "the new password will be {}",
    "password has been reset to {}",
    "log in as admin with password ({})",
    "credentials: anna / {}",
    "username / password: anna / {}",
    'driver.find_element(By.ID, "password").send_keys("{}")',
    "page.fill('#password', '{}')",
    'login("anna", "{}")',
    "Here is the login for the staging server: anna / {}",
    "login: anna / {}",
    "snmp-server community {} RW 99",
]
TOKENS = [
    'api_key = "{}"',
    "API_KEY={}",
    "X-API-Key: {}",
    "Authorization: Bearer {}",
    "authorization: Token {}",
    'curl -H "Authorization: Bearer {}" https://a.example',
    '"accessToken": "{}",',
    "my github token is {}",
    "the api key for prod is {}, do not share it",
    "const clientSecret = '{}';",
    "//registry.example/:_authToken={}",
    "https://a.example/v1?token={}&x=1",
    "AwsSecretKey: {}",
    'os.environ["SERVICE_TOKEN"] = "{}"',
    'encryption_key: "{}"',
    "secret={}",
    "TOTP_SEED={}",
    'API_TOKEN = base64.b64decode("{}")',
    "vault login {}",
    'jwt.sign(payload, "{}")',
    "createHmac('sha256', '{}')",
    'Fernet(b"{}")',
    '"github-oauth": {{"github.com": "{}"}}',
    "Cookie: consent=1; sessionid={}; a=b",
    "Set-Cookie: PHPSESSID={}; path=/",
    "cookie: connect.sid=s%3A{}",
    ".AspNetCore.Cookies={}",
    "Set-Cookie: sid={}; Path=/",
    "**API Key:** `{}`",
    "acme_api = {}",
    "der API-Schlüssel ist {}",
    "clé API : {}",
    "la clave de API es {}",
    "chave de API: {}",
    "ключ API: {}",
    "API 密钥：{}",
    "токен: {}",
]
NO_SECRETS = [
    'password = "<your password>"',
    'password = "changeme"',
    "password=${DB_PASSWORD}",
    "password: {{ vault.password }}",
    'password = os.environ["DB_PASSWORD"]',
    "password = getpass.getpass()",
    'api_key = "your-api-key"',
    'api_key = "xxxxxxxxxxxxxxxxxxxxxxxx"',
    "API_KEY=sk-...",
    "password: str",
    "The password must have 12 characters and 2 digits.",
    "password: Password for the database, version 2",
    "token_type: bearer",
    "max_tokens = 4096",
    "key = lambda pair: pair[1]",
    'public_key = "9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit"',
    "author = james2.fake99@mail.example",
    "keyboard: qwerty-us-2024-intl",
    "primary_key: user_2024_idx_17a",
    "credentialsId: '29f63271-dc2f-4734-8221-5b31b5169bac'",
    "Passenger 12B7xYq9 boarded",
    "api_version: 2024-02-15-preview",
    "token: gpt-4o-mini-2024-07-18",
    "secret_name = projects/example/secrets/db",
    "Authorization: Basic ...",
    "Authorization: Bearer $(gcloud auth print-access-token)",
    "curl -u username:password https://a.example",
    'curl -u "${user}:${pass}" https://a.example',
    "bypass=12ab34cd",
    'variable "db_password" {\n  type = string\n}',
    "<key>password</key>\n\t<string></string>",
    "<td>password</td><td>required</td>",
    "mysql -u app -p shop",
    "docker login -u anna -p $PASSWORD registry.example",
    "auth = HTTPBasicAuth(user, password)",
    'ENTRYPOINT_PATTERN = r"[^a-z0-9]([^=]*)x1"',
    "secret *tls13.EarlySecret",
    "password_encryption = scram-sha-256",
    "autoclave: 2400W-x7",
    "https://docs.example@example.com/a",
    'token = os.getenv("API_TOKEN_V2_2024")',
    'password = getpass.getpass("Password1:")',
    "fields = ['username', 'password', 'email2']",
    "PASSWORD_MAX: u32 = 262552u32;",
    "fn derive(password: &[u8]) -> Keys",
    "const KEY: Key = super::super::Win32::Foundation::DEVPROPKEY;",
    "let key = DynKey::AesHwClMulAvxMovbe(state);",
    "arn:aws:secretsmanager:us-west-2:123456789012:secret:MyDatabase-a1b2c3",
    "The themes that we identified:\n- **Mechanism** of the second kind",
    "docker run -p 8080:80 nginx2",
    "127.0.0.1:5432:5432",
    "mkdir -p /srv/a1 && cp -p a1 b2",
    "openssl genrsa -out k2.pem 2048",
    "7z x a1.7z -o/tmp/x1",
    "net use the 2nd one",
    "connect scott/tiger",
    "Set-Cookie: lang=en; Path=/",
    "session=requests.Session()",
    'page.login("anna", "home")',
    'create_user("anna", "anna@a.example", "admin")',
    "mysql://host@tcp(3306)",
    "The password is required.",
    'resource "random_password" "master" {',
    "the password 'required' or none",
    "password_max_age=900000",
    "PASSWORD_MAX_AGE=900000",
    "the password minimum is 12345",
    "login: anna / home",
    "Username: root, Password: ***hidden***",
    "snmp-server community public RO",
    "client_secret: whiteduke",
    "secret=true",
    "the password is stored in the vault",
    "My password is sometimes refused",
    "password: string",
    "Password: optional",
    "<password>string</password>",
    "connect(user=user, password=hunter)",
    "{\n  user: name,\n  password: hunter\n}",
    "password = hunter",
    "The lower pass is special",
    "what you pass to `cargo fmt`",
    "the key to success",
    "password (OAuth2)",
    "password (sha256)",
    "the password sha256 of it",
    "passwords: admin / user",
    "--password string",
    'password: "RequiredField"',
    "const minipass_1 = require('minipass')",
    "api: apps/v1beta2",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_finds_a_password_by_its_name(template, detector):
    """
    A password is found as it stands, without the quotes or the full stop around it.
    """
    for value in (PASSWORD.replace("&", "%"), PLAIN):
        assert value in [one for _, one in found_in(detector, template.format(value))]


@pytest.mark.parametrize("template", TOKENS)
def test_finds_a_token_by_its_name(template, detector):
    """
    A value that looks drawn is found behind a token's or a key's name.
    """
    assert TOKEN in [one for _, one in found_in(detector, template.format(TOKEN))]


@pytest.mark.parametrize("text", NO_SECRETS)
def test_leaves_what_is_no_secret(text, detector):
    """
    Placeholders, code, names of other things and sentences about secrets are left.
    """
    assert found_in(detector, text) == []


def test_finds_a_password_before_a_transport(detector):
    """
    In a data source's name as Go's MySQL driver takes it the password stands before the host.
    """
    text = f'dsn := "anna:{PLAIN}@tcp(db:3306)/shop"'

    assert found_in(detector, text) == [("url_credentials", PLAIN)]
    assert found_in(detector, "anna:${PASSWORD}@tcp(db:3306)/shop") == []


@pytest.mark.parametrize(
    ("text", "is_secret"),
    [
        ("DB_PASS=whiteduke", True),
        ("export APP_AUTH_PASSWORD=whiteduke    # as told", True),
        ("ENV APP_PASSWORD whiteduke", True),
        ("Server=db;Uid=app;Pwd=whiteduke;Encrypt=True", True),
        ("/login?user=anna&pass=whiteduke", True),
        ("user=anna password=whiteduke host=db", True),
        ("username: anna, password: whiteduke", True),
        ("machine db login anna password whiteduke", True),
        ("password=whiteduke", True),
        ("user: anna\n  password: whiteduke\n", True),
        ("client_secret=whiteduke", True),
        ("- Password: whiteduke\n", True),
        ("**Password:** whiteduke", True),
        ("<password>whiteduke</password>", True),
        ("mysql --password=whiteduke", True),
        ("mysql -u anna -pwhiteduke shop", True),
        ("sshpass -p whiteduke ssh anna@db", True),
        ("The password is whiteduke.", True),
        ("my password is whiteduke and it fails", True),
        ("Mein Passwort ist whiteduke", True),
        ("password = whiteduke", False),
        ("user = app; password = whiteduke;", False),
        ("pass(password=whiteduke)", False),
        ("{\n  user,\n  password: whiteduke\n}", False),
        ("password: whiteduke;", False),
        ("The pass is whiteduke.", False),
        ("the password whiteduke had", False),
        ("DB_PASSWORD=postgres", False),
        ("WHITE_DUKE_PASSWORD=whiteduke", False),
        ("DB_PASSWORD=changeme", False),
        ("DB_PASSWORD_FILE=whiteduke", False),
        ("connect(user=app, PASSWORD=whiteduke)", False),
    ],
)
def test_a_bare_word_is_a_password_where_nothing_else_stands(text, is_secret, detector):
    """
    In environments, settings, commands and sentences a word is a password; in programs a name.
    """
    found = found_in(detector, text)

    assert found == ([("generic_password", "whiteduke")] if is_secret else [])


@pytest.mark.parametrize(
    "text", ["the password is BlueMountain.", 'password = "BlueMountain"']
)
def test_finds_words_put_together(text, detector):
    """
    Two words with capitals are a password that is said, or quoted.
    """
    assert found_in(detector, text) == [("generic_password", "BlueMountain")]


@pytest.mark.parametrize(
    "text",
    [
        "The password is 483920.",
        'say("the password is 483920")',
        "DB_PASSWORD=483920",
        "user: a\npassword: 483920",
    ],
)
def test_finds_a_number(text, detector):
    """
    Digits alone are a password where nothing else can stand, behind a name that ends there.
    """
    assert found_in(detector, text) == [("generic_password", "483920")]


def test_a_key_may_be_a_uuid(detector):
    """
    Behind the name of somebody's key a UUID is one; what tables have is not.
    """
    value = made("{hex8}-{hex4}-{hex4}-{hex4}-{hex12}")

    assert found_in(detector, f"CYPRESS_RECORD_KEY={value}") == [
        ("generic_credential", value)
    ]
    assert found_in(detector, f"user_key: {value}") == []
    assert found_in(detector, f"primary_key: {value}") == []
    assert found_in(detector, f"key: {value}") == []


def test_finds_a_word_in_quotes(detector):
    """
    A word in quotes that stands right behind a password's name is one.
    """
    text = "The account is 'anna' with password 'whiteduke'."

    assert found_in(detector, text) == [("generic_password", "whiteduke")]


def test_curl_takes_a_word(detector):
    """
    Behind curl's -u a pair may be two words; elsewhere it is a user and a group.
    """
    assert found_in(detector, "curl -s -u anna:whiteduke https://a.example") == [
        ("user_password", "anna:whiteduke")
    ]
    assert found_in(detector, "docker run -u anna:whiteduke nginx") == []


def test_finds_a_pair(detector):
    """
    A name and a password that curl is given are found together.
    """
    password = "dB2y" + "F6qL9v"

    assert found_in(detector, f"curl -u anna:{password} https://a.example") == [
        ("user_password", f"anna:{password}")
    ]


def test_reads_basic_credentials(detector):
    """
    Base64 behind Basic is a secret if a name and a password are in it.
    """
    hidden = "YW5uYTpzM2Ny" + "M3QtcHc="

    assert found_in(detector, f"Authorization: Basic {hidden}") == [
        ("basic_credentials", hidden)
    ]
    assert found_in(detector, "Authorization: Basic dXNlcm5hbWU=") == []


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgres://app:{}@db.example:5432/x", "p4Dsr8b"),
        ("redis://:{}@cache.example", "Zx81" + "pqr"),
        ("smtps://anna@mail.example:{}@smtp.mail.example:465", "FnD8" + "3JZs"),
        ("https://user:{}@localhost", "password"),
        ("https://user:{}@localhost", "${PASSWORD}"),
        ("amqp://{0}:{0}@localhost", "guest"),
        ("https://a.example:{}/x@y", "8443"),
        ("https://{}@git.example/a.git", made("{lan39}") + "7"),
    ],
)
def test_finds_a_password_in_a_url(url, password, detector):
    """
    The password of a URL's authority is found, unless it is a placeholder or a port.
    """
    found = found_in(detector, f"see {url.format(password)} for more")

    is_secret = any(one.isdigit() for one in password) and not password.isdigit()
    assert found == ([("url_credentials", password)] if is_secret else [])
