"""Limits of requests over several processes, and of wrong keys."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import httpx

from customer_segmentation.serving.keys import add_key
from tests.serving.process import serving


def test_a_key_has_one_limit_over_all_processes(bundle: Path, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "shop", ("score",))
    options = ["--keys", tmp_path / "keys.json", "--job-workers", "0", "--workers", "2"]
    headers = {"authorization": f"Bearer {key}"}
    with serving(bundle, tmp_path, *options, "--requests-per-second", "5") as server:
        started = monotonic()
        # A connection of its own each time, so that both processes take some.
        found = [httpx.get(f"{server.url}/v1/bundle", headers=headers) for _ in range(60)]
        taken = monotonic() - started
    passed = sum(answer.status_code == 200 for answer in found)
    assert {answer.status_code for answer in found} == {200, 429}
    assert 10 <= passed <= 11 + 5 * taken


def test_who_tries_keys_is_slowed_down_and_nobody_else(bundle: Path, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "shop", ("score",))
    options = ["--keys", tmp_path / "keys.json", "--job-workers", "0"]
    with serving(bundle, tmp_path, *options, "--wrong-keys-per-second", "1") as server:
        url = f"{server.url}/v1/bundle"
        with httpx.Client() as client:
            # Nor does it help to say that one is elsewhere.
            wrong = [
                client.get(
                    url,
                    headers={
                        "authorization": f"Bearer cs_{number}",
                        "x-forwarded-for": f"10.0.0.{number}",
                    },
                )
                for number in range(30)
            ]
            # From the same address, which may be a proxy's.
            right = client.get(url, headers={"authorization": f"Bearer {key}"})
    statuses = [answer.status_code for answer in wrong]
    assert statuses[:2] == [401, 401]
    assert statuses.count(429) >= 20
    assert int(wrong[-1].headers["retry-after"]) >= 1
    assert right.status_code == 200
