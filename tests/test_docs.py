"""
The pages below ``docs`` say what is so.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from settings_page import PAGE, rendered

from gateway import metrics
from gateway.exposition import process_lines

OPERATING = (PAGE.parent / "operating.md").read_text()


def test_every_setting_stands_in_its_table():
    """
    With its default and what it means, as the classes have it that read the file.
    """
    page = PAGE.read_text()

    assert rendered(page) == page, "run python tests/shared/settings_page.py"


def test_every_metric_stands_in_the_table():
    """
    With the labels that it has.
    """
    row = re.compile(r"^\| (`(?:gatewright|process)_\w+`.*?) \|([^|]*)\|", re.MULTILINE)
    rows = [(names, labels.strip()) for names, labels in row.findall(OPERATING)]
    told = dict(each for names, labels in rows for each in _names(names, labels))
    counted = re.findall(
        r"^(gatewright_\w+) *(.*)$", metrics.__doc__ or "", re.MULTILINE
    )
    own = [line.split()[2] for line in process_lines() if line.startswith("# HELP")]

    assert {**dict(counted), **dict.fromkeys(own, "")} == told


def _names(names: str, labels: str) -> list[tuple[str, str]]:
    """
    Read the names of one row; ``_total`` behind another stands for the same beginning.
    """
    found: list[str] = re.findall(r"`(\w+)`", names)
    first = found[0].removesuffix("_calls_total")
    return [(f"{first}{name}" if name[0] == "_" else name, labels) for name in found]


@pytest.mark.needs_nginx
def test_nginx_understands_its_settings(tmp_path: Path):
    """
    As they stand on the page, but for the certificate and the port.
    """
    (block,) = re.findall(r"```nginx\n(.*?)```", OPERATING, re.DOTALL)
    block = re.sub(r"ssl_certificate.*\n", "", block)
    block = block.replace("listen 443 ssl", "listen 127.0.0.1:65535")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in kinds)
    file = tmp_path / "nginx.conf"
    head = f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\n"
    file.write_text(f"{head}http {{\naccess_log off;\n{folders}{block}}}\n")

    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or "nginx"
    done = subprocess.run(
        [nginx, "-t", "-c", str(file)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
