"""Terraform on a copy of `deploy/aws`: checks without an account, and applies to an emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customer_segmentation.errors import UserError
from tools.deploy.declared import DEPLOY

# A folder that holds providers as a mirror does; without it Terraform fetches them itself.
PLUGINS = "SEGMENTATION_TERRAFORM_PLUGINS"
_SECONDS = 600.0
_ENDS_IN_SECONDS = 20.0
_LONGEST = 4_000
# A state of one's own in place of the shared one.
_LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'
_MIRROR = 'provider_installation {{\n  filesystem_mirror {{\n    path = "{path}"\n  }}\n}}\n'


# Parts of deploy/aws/data.tf that neither moto nor ministack has anything for.
LACKS = ("redshift", "storage_gateway", "appflow")


class NoTerraformError(UserError):
    """Terraform, or its provider, is not on this machine."""


def require_terraform() -> None:
    """Check that Terraform is there.

    Raises:
        NoTerraformError: It is not.
    """
    if shutil.which("terraform") is None:
        message = "terraform is not installed: version 1.9 or newer is needed"
        raise NoTerraformError(message)


@dataclass(frozen=True)
class Workspace:
    """A copy of `deploy/aws` that has been initialised, with a state of its own.

    Attributes:
        folder: The copy.
        environment: Variables of the commands, such as those by which an emulator is found.
        variables: Terraform's own.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def made(
        cls,
        at: Path,
        environment: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> Workspace:
        """Copy `deploy/aws` into a new folder and initialise it there.

        Raises:
            NoTerraformError: Terraform or its provider is not there.
            UserError: It is refused.
        """
        require_terraform()
        shutil.copytree(
            DEPLOY / "aws", at, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
        )
        (at / "backend_override.tf").write_text(_LOCAL_STATE, "utf-8")
        mirror = os.environ.get(PLUGINS)
        # A person's own file would be read in its place.
        configuration = _MIRROR.format(path=mirror) if mirror else ""
        (at / "cli.tfrc").write_text(configuration, "utf-8")
        made = cls(at, environment or {}, variables or {})
        try:
            made.run("init", "-input=false")
        except UserError as error:
            if mirror:
                raise
            message = f"Terraform has no AWS provider here, and {PLUGINS} names no folder: {error}"
            raise NoTerraformError(message) from error
        return made

    def run(self, command: str, *arguments: str) -> str:
        """Run one of Terraform's commands, such as `state list`, and give what it prints.

        Raises:
            UserError: It fails, with the last of what it printed.
        """
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "TF_"))
        }
        given = {f"TF_VAR_{name}": _text(value) for name, value in self.variables.items()}
        with subprocess.Popen(  # noqa: S603 - Terraform, found on the path
            ["terraform", *command.split(), *arguments, "-no-color"],  # noqa: S607
            cwd=self.folder,
            env={
                **own,
                "TF_CLI_CONFIG_FILE": str(self.folder / "cli.tfrc"),
                "TF_IN_AUTOMATION": "1",
                "CHECKPOINT_DISABLE": "1",
                "AWS_EC2_METADATA_DISABLED": "true",
                **given,
                **self.environment,
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                said, _ = process.communicate(timeout=_SECONDS)
            except BaseException:
                _end(process)
                raise
        if process.returncode:
            message = f"terraform {command}: {_refusal(said)}"
            raise UserError(message)
        return said

    def apply(self) -> None:
        """Make what is described.

        Raises:
            UserError: Some of it cannot be made.
        """
        self.run("apply", "-input=false", "-auto-approve", "-compact-warnings")

    def destroy(self) -> None:
        """Remove all that `apply` made.

        Raises:
            UserError: Some of it cannot be removed.
        """
        self.run("destroy", "-input=false", "-auto-approve", "-compact-warnings")

    def outputs(self) -> dict[str, Any]:
        """The values of the outputs, by name."""
        return {name: one["value"] for name, one in json.loads(self.run("output", "-json")).items()}

    def resources(self) -> list[str]:
        """The addresses of what the state holds."""
        return self.run("state list").split()


def _end(process: subprocess.Popen[str]) -> None:
    """Wait for Terraform, which Ctrl-C has told too: killed at once, it leaves its files."""
    for end in (process.terminate, process.kill):
        try:
            process.communicate(timeout=_ENDS_IN_SECONDS)
        except subprocess.TimeoutExpired:
            end()
        else:
            return
    process.wait()


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a variable is of
    return value if isinstance(value, str) else json.dumps(value)


def _refusal(printed: str) -> str:
    """What it refused, without all that it did before."""
    at = printed.find("Error:")
    return printed[max(at, 0) :].strip()[-_LONGEST:]
