"""
Passwords and tokens in columns.
"""

from __future__ import annotations

import pytest
from cutting import assert_cut_invariant

from gateway_guardrails.columns import CROWD, HEAD_CHARACTERS, MOST_CHARACTERS

from .conftest import found_in, made

FIRST, SECOND = "Tr0ub4" + "dor!3x", "Zx81" + "pqrs-7"
TABLES = [
    "username,password,role\nanna,{0},admin\nben,,guest\ncarl,{1},guest\n",
    "id;name;Passwort\n1;anna;{0}\n2;ben;{1}\n",
    "host\tuser\tpassword\ndb1\tanna\t{0}\ndb2\tben\t{1}",
    '"user","password"\r\n"anna","{0}"\r\n"ben, b.","{1}"\r\n',
    "| host | user | password |\n|------|:----:|---|\n| a | anna | {0} |\n| b | ben | {1} |\n",
    "user | **Password**\n--- | ---\nanna | {0}\nben | {1}\n\nThat is all.",
    "INSERT INTO users (id, password, name) VALUES (1, '{0}', 'anna'), (2, '{1}', 'b (b)');",
]
NO_TABLES = [
    "Enter your user name, password\nThen, click b2b-login to go on\n",
    "| name | type | password |\n|---|---|---|\n| a | string | required |\n",
    "username,password\nstring,varchar(60)\n",
    "password,\n    address2,\n    email2,\n",
    "key,token_type\nprimary,bearer-2024-x1\n",
    "INSERT INTO t (id, password_algorithm) VALUES (1, 'bcrypt-12x');",
    "def make(user, password,\n         token, key2):\n",
    "name,password\nanna\nben b2b-x77\n",
]


@pytest.mark.parametrize("table", TABLES)
def test_finds_what_stands_below_a_head(table, detector):
    """
    Each value in the column is found, whole and alone.
    """
    found = found_in(detector, table.format(FIRST, SECOND))

    assert [one for _, one in found] == [FIRST, SECOND]


@pytest.mark.parametrize("text", NO_TABLES)
def test_leaves_what_is_no_column_of_secrets(text, detector):
    """
    Sentences with commas, code, columns about secrets, and words in them are left.
    """
    assert found_in(detector, text) == []


@pytest.mark.parametrize("table", TABLES)
def test_cutting_does_not_matter(table, detector):
    """
    The rows wait for the end of the table, however they come.
    """
    assert_cut_invariant(detector, f"See:\n{table.format(FIRST, SECOND)}\nand so on.")


def test_of_many_lines_one_is_the_head(detector):
    """
    A row that has a secret's name in it is no head of those below it.
    """
    text = f"user,note\npassword,reset\nanna,{FIRST}\n"

    assert found_in(detector, text) == []


def test_tokens_stand_in_columns_too(detector):
    """
    A column of keys holds what looks drawn.
    """
    token = made("{an32}")

    assert found_in(detector, f"name,api_key\nanna,{token}\nben,none\n") == [
        ("generic_credential", token)
    ]


def test_a_table_is_looked_at_so_far(detector):
    """
    Neither a head nor the rows of a table without end are waited for.
    """
    wide = f"{'a,' * (HEAD_CHARACTERS // 2)}password\n{'b,' * (HEAD_CHARACTERS // 2)}{FIRST}\n"
    row = f"anna,{FIRST}\n"
    long = "user,password\n" + row * (2 * MOST_CHARACTERS // len(row))

    assert found_in(detector, wide) == []
    assert len(found_in(detector, long)) == MOST_CHARACTERS // len(row)


def test_wide_tables_are_one_head(detector):
    """
    However many of its columns hold secrets.
    """
    names = (
        "password",
        "api_key",
        "client_secret",
        "access_token",
        "passwd",
        "auth_token",
    )
    values = [f"Zx{n}1q" + "w7RtP9mLk2Vb8" for n in range(len(names))]
    table = f"{','.join(names)}\n{','.join(values)}\n"

    assert [one for _, one in found_in(detector, table)] == values


@pytest.mark.parametrize("filler", ["", "and a line that is none of a table\n" * 8])
@pytest.mark.parametrize(
    "form", ["password,a\n{},b\n\n", "(id, password) VALUES (1, '{}');\n"]
)
def test_of_heads_close_together_the_first_are_looked_at(form, filler, detector):
    """
    A text of nothing but heads would take long; wherever it is cut, the same ones are read.
    """
    values = [f"Zx{n}1q" + "w7-Rt" for n in range(5)]
    text = filler.join(form.format(value) for value in values)

    found = [one for _, one in found_in(detector, text)]

    assert found == (values if filler else values[:CROWD])
    assert_cut_invariant(detector, text, rounds=3)
