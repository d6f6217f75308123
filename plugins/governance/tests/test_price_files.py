from __future__ import annotations

import pytest

from gateway.catalog import CatalogError
from gateway_governance.price_files import read_price_files


def write(path, usd: str) -> None:
    path.write_text(
        f"acme: {{models: {{m: {{price: "
        f"{{from: 2026-01-31, input: {usd}, output: {usd}}}}}}}}}\n"
    )


def test_a_later_file_outweighs_an_earlier_one(tmp_path):
    """
    So an operator's corrections stand in a small file behind a large one.
    """
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    write(first, "1")
    write(second, "2")

    (facts,) = read_price_files([first, second])

    assert facts.tariffs[0].price.input_pico == 2_000_000


def test_a_file_that_is_wrong_is_named(tmp_path):
    """
    Prices that were half read would be believed.
    """
    path = tmp_path / "a.yaml"
    write(path, "dear")

    with pytest.raises(CatalogError, match=r"a\.yaml: acme/m: .*no amount"):
        read_price_files([path])


def test_without_files_nothing_is_known():
    """
    The gateway's own catalog then stands alone.
    """
    assert read_price_files([]) == []
