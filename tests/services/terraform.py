"""Terraform, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tools.terraform import NoTerraformError, Workspace

# Begins the reason of a skip that CI accepts: what is missing cannot be had by `make`.
ABSENT = "absent: "
Made = Callable[..., Workspace]


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """What makes copies of `deploy/aws`, initialised, of variables and an environment."""

    def made(
        variables: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
    ) -> Workspace:
        folder: Path = tmp_path_factory.mktemp("terraform") / "aws"
        try:
            return Workspace.made(folder, environment, variables)
        except NoTerraformError as error:
            pytest.skip(f"{ABSENT}{str(error).splitlines()[0]}")

    return made
