"""Folders for what is held while a source is read, which a kill may leave behind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from time import time

import pytest

from customer_segmentation.sources.scratch import scratch_folder


def test_a_folder_is_gone_afterwards_and_so_is_what_a_killed_run_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = {"customer-segmentation-load-young": 3_600.0, "load-of-others": 1e6}
    for name, age in {**kept, "customer-segmentation-load-left": 1e6}.items():
        file = tmp_path / name / "rows"
        file.parent.mkdir()
        file.touch()
        for path in (file, file.parent):
            os.utime(path, (time() - age, time() - age))
    with scratch_folder("load") as folder:
        (folder / "rows").touch()
        assert {path.name for path in tmp_path.iterdir()} == {*kept, folder.name}
    assert {path.name for path in tmp_path.iterdir()} == {*kept}
