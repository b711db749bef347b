"""Terraform's own tests of each module and of the whole, with a provider that makes nothing."""

from __future__ import annotations

import pytest

from tests.services.terraform import Made
from tools.deploy.declared import DEPLOY

pytestmark = pytest.mark.deploy


def test_each_module_keeps_its_promises(terraform: Made) -> None:
    workspace = terraform()
    assert "valid" in workspace.run("validate")
    assert "0 failed" in workspace.run("test")


def test_each_module_has_a_test() -> None:
    modules = {path.name for path in (DEPLOY / "aws" / "modules").iterdir()}
    texts = [path.read_text("utf-8") for path in (DEPLOY / "aws" / "tests").glob("*.tftest.hcl")]
    tried = {name for name in modules if any(f'"./modules/{name}"' in text for text in texts)}
    assert tried == modules
