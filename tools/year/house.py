"""The project in a folder of its own, with the commands of a year run in this process."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from kedro.framework.cli.cli import KedroCLI

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from tools.project import configure

SOURCE = "customers.csv"
_LAST_LINES = 15
# Of the shell that it is started from, for other runs.
_OTHERS = ("SEGMENTATION_", "KEDRO_ENV")
# Figures that nobody looks at here take seconds of each run.
_NO_PICTURES = "_plot"


@dataclass(frozen=True)
class House:
    """A project that nothing else runs in.

    Attributes:
        root: Its folder.
    """

    root: Path

    @classmethod
    def made(cls, root: Path) -> House:
        """A new one."""
        configure(root)
        for file in (root / "conf" / "base").glob("catalog_*.yml"):
            entries = yaml.safe_load(file.read_text(encoding="utf-8"))
            for name in entries:
                if name.endswith(_NO_PICTURES):
                    entries[name] = {"type": "MemoryDataset", "copy_mode": "assign"}
            file.write_text(yaml.safe_dump(entries, sort_keys=False), encoding="utf-8")
        return cls(root)

    @property
    def bundles(self) -> BundleStore:
        """Of dev."""
        return BundleStore(str(self.root / "data" / "models"), "dev")

    def parameters(self, block: str, values: Mapping[str, Any]) -> None:
        """Set parameters of a block in dev, over those that it has."""
        file = self.root / "conf" / "dev" / f"parameters_{block}.yml"
        before = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
        merged = {block: {**before.get(block, {}), **values}}
        file.write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")

    def kedro(self, *arguments: str) -> str:
        """What a command of Kedro's printed.

        Raises:
            UserError: It fails; with its last lines.
        """
        code, output = self.tried(*arguments)
        if code:
            told = "\n".join(f"  {line}" for line in output.splitlines()[-_LAST_LINES:])
            raise UserError(f"kedro {' '.join(arguments)} ended (exit code {code}):\n{told}")
        return output

    def tried(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command of Kedro's, and what it printed."""
        with _inside(self.root):
            result = CliRunner().invoke(KedroCLI(self.root), [*arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            return result.exit_code or 1, f"{result.output}\n{result.exception}"
        return result.exit_code, result.output

    def told(self, name: str) -> dict[str, Any]:
        """A JSON file of data/reporting; empty where there is none."""
        file = self.root / "data" / "reporting" / f"{name}.json"
        found: dict[str, Any] = (
            json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        )
        return found


@contextmanager
def settings(**values: str) -> Iterator[None]:
    """Environment variables of all commands, in place of those that the shell has set."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(_OTHERS):
            del os.environ[name]
    os.environ |= values | {"KEDRO_DISABLE_TELEMETRY": "1"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _inside(root: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(root)
    # What a command has to say is in what it prints, and how it ended.
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        os.chdir(before)
        # MLflow's migrations silence every logger there is.
        for name in list(logging.root.manager.loggerDict):
            logging.getLogger(name).disabled = False
