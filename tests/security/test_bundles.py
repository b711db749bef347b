"""A bundle is refused unless it is one that this project wrote; nothing of it runs before."""

from __future__ import annotations

import logging
import os
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import numpy as np
import pytest

from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.serving.bundle import BrokenBundleError, Champion
from tests.security import forged
from tests.security.forged import READ_FILE, SECRET, SECRET_NUMBER, Attack
from tests.security.promotion import KINDS, promoted, read, refused, signed
from tests.serving.example import a_customer
from tests.serving.process import ServerProcess, serving

# Each with a part of what is told of it.
GRAPHS: list[tuple[Attack, str]] = [
    (forged.external_initializer, "keeps data in another file"),
    (forged.external_initializer_by_parent, "keeps data in another file"),
    (forged.external_sparse_initializer, "keeps data in another file"),
    (forged.external_constant, "keeps data in another file"),
    (forged.external_in_subgraph, "keeps data in another file"),
    (forged.external_in_function, "keeps data in another file"),
    (forged.zeroed, "contradicting its metadata"),
    (forged.one_threshold_moved, "answers `affluence_tier`, contradicting"),
    (forged.string_output, "has what none of ours has"),
    (forged.one_more_output, "one vector of numbers for each output"),
    (forged.float32_output, "not one row of numbers"),
    (forged.one_input_more, "does not take one float64 matrix"),
    (forged.unknown_operator, "uses the operator Expand"),
    (forged.foreign_domain, "of another version of ONNX"),
    (forged.another_opset, "of another version of ONNX"),
    (forged.another_producer, "was not made by this project"),
    (forged.doubled_again_and_again, "numbers a customer"),
    (forged.every_customer_by_every_customer, "not one row of numbers per customer"),
    (forged.sum_of_all_customers, "not one row of numbers per customer"),
    (forged.softmax_of_all_customers, "not one row of numbers per customer"),
    (forged.two_constants_in_one, "constant in a place where ours have none"),
    (forged.constants_by_constants, "numbers a customer and"),
    (forged.too_many_nodes, "nodes, and"),
]


@pytest.fixture(autouse=True)
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a file where a model's relative path would find it."""
    (tmp_path / READ_FILE).write_bytes(SECRET)
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("attack", "why"), GRAPHS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_graph_that_is_not_ours_is_refused(
    bundle: Path, tmp_path: Path, attack: Attack, why: str
) -> None:
    model = read(bundle)
    attack(model)
    told = refused(promoted(bundle, tmp_path / "champion", signed(model)))
    assert told.startswith("segmenter.onnx is refused")
    assert why in told


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_is_not_changed_under_its_version(bundle: Path, tmp_path: Path, kind: str) -> None:
    model = read(bundle, kind)
    forged.zeroed(model)
    told = refused(promoted(bundle, tmp_path / "champion", model, kind))
    assert f"{kind}.onnx" in told
    assert "but its content has the version" in told


def test_a_cold_start_model_without_its_weights_is_refused(bundle: Path, tmp_path: Path) -> None:
    model = read(bundle, "cold_start")
    forged.zeroed(model)
    told = refused(promoted(bundle, tmp_path / "champion", signed(model), "cold_start"))
    assert "contradicting its metadata" in told


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_file_is_refused_before_it_is_read(
    bundle: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = promoted(bundle, tmp_path / "champion", read(bundle))
    with (folder / f"{kind}.onnx").open("r+b") as file:
        file.truncate(50_000_000_000)

    def read_all(*_args: Any, **_options: Any) -> bytes:
        pytest.fail("the file was read")

    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.cat_file", read_all)
    assert f"{kind}.onnx is too large: 50000000000 bytes" in refused(folder)


def test_a_pipe_in_place_of_a_file_is_not_waited_for(bundle: Path, tmp_path: Path) -> None:
    folder = promoted(bundle, tmp_path / "forged", read(bundle))
    champion = Champion(str(folder))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe").replace(folder / "segmenter.onnx")
    assert not champion.refresh()
    assert "is not a file" in refused(folder)


def test_a_file_that_grew_since_it_was_looked_at_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = promoted(bundle, tmp_path / "champion", read(bundle))
    with (folder / "segmenter.onnx").open("r+b") as file:
        file.truncate(50_000_000_000)
    seen = Champion._info
    monkeypatch.setattr(Champion, "_info", lambda self, path: seen(self, path) | {"size": 20_000})
    assert "is larger than" in refused(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_in_which_any_byte_is_changed_is_refused(
    bundle: Path, tmp_path: Path, kind: str
) -> None:
    """Every byte counts: none may be changed, added or left out."""
    folder = promoted(bundle, tmp_path / "champion", read(bundle))
    content = (bundle / f"{kind}.onnx").read_bytes()
    draw = np.random.default_rng(1)
    forgeries = [content + b"\x00", content[:-1], content + content, b"", content[:7]]
    for place in draw.choice(len(content), 150, replace=False).tolist():
        byte = bytes([content[place] ^ (1 << int(draw.integers(8)))])
        forgeries.append(content[:place] + byte + content[place + 1 :])
    for forgery in forgeries:
        (folder / f"{kind}.onnx").write_bytes(forgery)
        with pytest.raises(BrokenBundleError):
            Champion(str(folder))


def test_a_champion_keeps_what_it_has_and_says_once_why(
    bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = promoted(bundle, tmp_path / "champion", read(bundle))
    champion = Champion(str(folder))
    kept = champion.current
    model = read(bundle)
    forged.external_constant(model)
    promoted(bundle, folder, signed(model))
    with caplog.at_level(logging.ERROR):
        assert [champion.refresh() for _ in range(3)] == [False] * 3
    assert champion.current is kept
    (told,) = (record.message for record in caplog.records)
    assert "the old one stays: segmenter.onnx is refused" in told
    assert "another file (TensorProto." in told


def test_a_server_answers_with_the_old_bundle_and_tells_no_file(
    bundle: Path, tmp_path: Path
) -> None:
    folder = promoted(bundle, tmp_path / "champion", read(bundle))
    (tmp_path / "run").mkdir()
    # Beside the server, beside the bundle, and above.
    for place in (tmp_path / "run", folder):
        (place / READ_FILE).write_bytes(SECRET)
    version = metadata_of(read(bundle))[VERSION]
    with serving(
        folder, tmp_path / "run", "--look-seconds", "0.05", "--job-workers", "0"
    ) as server:
        # What is refused for the same reason is told once.
        for why, attack in {why: attack for attack, why in reversed(GRAPHS)}.items():
            model = read(bundle)
            attack(model)
            promoted(bundle, folder, signed(model))
            _wait_for(server, why)
            for path in ("/v1/segments", "/v1/segments?explain=true"):
                answer = httpx.post(server.url + path, json=a_customer())
                assert answer.status_code == 200
                assert answer.headers["artifact-version"] == version
                assert answer.json()["artifact_version"] == version
                assert not any(part in answer.text for part in ("hunter2", repr(SECRET_NUMBER)))
        told = server.stderr()
    assert "hunter2" not in told
    refusals = [line.partition("the old one stays")[2] for line in told.splitlines()]
    refusals = [line for line in refusals if line]
    assert all(line != after for line, after in pairwise(refusals))


def _wait_for(server: ServerProcess, why: str, seconds: float = 60.0) -> None:
    until = monotonic() + seconds
    while why not in server.stderr() and monotonic() < until:
        sleep(0.02)
    assert why in server.stderr()
