"""Each block of YAML in docs/sources.md is an entry of the catalog that can be copied."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from kedro.io import AbstractDataset

from customer_segmentation.settings import CONFIG_LOADER_ARGS, CONFIG_LOADER_CLASS

CHECKOUT = Path(__file__).parents[1]
PAGE = (CHECKOUT / "docs" / "sources.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
# What the page names as settings.
SETTINGS = {
    "SEGMENTATION_DATABASE": "postgresql://reader:secret@127.0.0.1/shop",
    "SEGMENTATION_MONGODB": "mongodb://reader:secret@127.0.0.1/",
    "CASSANDRA_HOSTS": "127.0.0.1",
    "CASSANDRA_USER": "reader",
    "CASSANDRA_PASSWORD": "secret",
}


def kind_of(block: str) -> str:
    """The reader of a block, or its dataset."""
    types = re.findall(r"type: ([\w.]+)", block)
    return str(types[-1]).rpartition(".")[2]


@pytest.mark.parametrize("block", BLOCKS, ids=[kind_of(block) for block in BLOCKS])
def test_every_block_is_an_entry(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {*re.findall(r"\$\{setting:(\w+)\}", block)}
    assert named <= SETTINGS.keys()
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SEGMENTATION_SOURCE", raising=False)
    shutil.copytree(CHECKOUT / "conf", tmp_path / "conf")
    (tmp_path / "conf" / "page").mkdir()
    shutil.copy(CHECKOUT / "conf" / "dev" / "globals.yml", tmp_path / "conf" / "page")
    (tmp_path / "conf" / "page" / "catalog.yml").write_text(block, encoding="utf-8")
    loader = CONFIG_LOADER_CLASS(str(tmp_path / "conf"), env="page", **CONFIG_LOADER_ARGS)
    entry = loader["catalog"]["source"]
    told = str(AbstractDataset.from_config("source", entry))
    assert "secret" not in told


def test_every_kind_of_source_has_an_entry() -> None:
    kinds = {kind_of(block) for block in BLOCKS}
    folder = CHECKOUT / "src" / "customer_segmentation" / "sources" / "readers"
    readers = {
        name
        for path in folder.rglob("*.py")
        for name in re.findall(r"^class (\w+Reader)\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert readers <= kinds
    assert all(len(yaml.safe_load(block)) == 1 for block in BLOCKS)
