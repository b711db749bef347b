"""API keys: what is kept of them, and who may do what."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.serving.keys import ANYBODY, Keys, add_key


def test_a_key_is_found_by_its_secret_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first, second = add_key(path, "shop", ("score",)), add_key(path, "desk", ("read",))
    keys = Keys(path)
    assert [keys.find(first).name, keys.find(second).name] == ["shop", "desk"]
    for wrong in (None, "", first[:-1], first + "x", second.upper(), "shop", "cs_", "é"):
        assert keys.find(wrong) is None


def test_the_secret_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secret = add_key(path, "shop", ("score",))
    assert secret not in path.read_text()
    assert secret.removeprefix("cs_") not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_roles_are_held_apart_and_an_admin_has_all(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secrets = {role: add_key(path, role, (role,)) for role in ("score", "read", "admin")}
    keys = Keys(path)
    rights = {
        name: [role for role in secrets if keys.find(secret).may(role)]
        for name, secret in secrets.items()
    }
    assert rights == {"score": ["score"], "read": ["read"], "admin": ["score", "read", "admin"]}


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    add_key(path, "shop", ("score",))
    with pytest.raises(UserError, match="there is a key named shop already"):
        add_key(path, "shop", ("read",))
    assert len(Keys(path).known) == 1


@pytest.mark.parametrize("content", [None, "", "{}", '[{"name": "x"}]', "[]["])
def test_a_file_without_keys_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match="holds no API keys"):
        Keys(path)


def test_a_file_that_holds_an_empty_list_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("[]")
    with pytest.raises(UserError, match="holds no API keys"):
        Keys(path)


def test_without_a_file_anybody_may_do_everything() -> None:
    assert Keys(None).find(None) is ANYBODY
