from __future__ import annotations

import pytest


class TestHere:
    @pytest.mark.usefixtures("file")
    async def test_the_files_rules_look(self, here):
        """
        It tells where, and whether it counts; a rule that is off does not look.
        """
        told = await here.json("test", "a canary song")

        assert [
            (each["guardrail"], each["span"], each["counts"])
            for each in told["findings"]
        ] == [("birds", [2, 8], True), ("songs", [9, 13], False)]

    async def test_detectors_need_no_file(self, here):
        """
        Without any choice all local ones look that need no options.
        """
        named = await here.json("test", "canary", "--detectors", "word")
        all_local = await here.json("test", "canary")

        assert [each["detector"] for each in named["findings"]] == ["word"]
        assert [each["detector"] for each in all_local["findings"]] == ["word"]

    async def test_people_see_a_table_with_what_they_said(self, here):
        """
        Columns, a line for each find.
        """
        told = await here.run("test", "-", "--detectors", "word", stdin="my canary\n")

        head, line = told.splitlines()
        assert head.split() == (
            "span type severity score counts detector rule text".split()
        )
        assert line.split() == ("3-9 CANARY high 1 yes word detectors canary".split())

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (("canary", "--check"), 1),
            (("canary",), 0),
            (("sparrow", "--check"), 0),
            (("canary", "--check", "--severity", "critical"), 0),
        ],
    )
    async def test_a_find_is_a_fault_where_that_is_asked(self, here, words, code):
        """
        For scripts.
        """
        await here.run("test", *words, "--detectors", "word", code=code)

    @pytest.mark.parametrize(
        ("words", "code", "told"),
        [
            (("--detectors", "nobody"), 1, "no detector is called nobody"),
            (("--detectors", "oracle"), 1, "says: required, but missing"),
            (("--rule", "nobody"), 2, "no rule is called nobody"),
            (("-c", "missing.yaml"), 1, "cannot be read"),
        ],
    )
    async def test_what_cannot_be_done_is_told(self, here, words, code, told):
        """
        In one line, with the exit code of its kind.
        """
        assert told in await here.run("test", "x", *words, code=code)


class TestAtAGateway:
    async def test_its_rules_look(self, cli, guarded):
        """
        Where --url says so.
        """
        told = await cli.json("test", "my canary", "--url", guarded.client.url)

        assert [each["guardrail"] for each in told["findings"]] == ["canaries"]

    async def test_who_is_not_there_cannot_be_asked(self, here):
        """
        Exit code 3.
        """
        told = await here.run("test", "x", "--url", "http://127.0.0.1:9", code=3)

        assert "cannot be reached" in told
