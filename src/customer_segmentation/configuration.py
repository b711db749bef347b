"""Where the configuration is: a folder, or an archive such as `kedro package` writes, anywhere."""

from __future__ import annotations

import atexit
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import fsspec

from customer_segmentation.errors import UserError

_BASE = "base"


def project_of(conf_source: str | None) -> Path:
    """The folder that relative paths begin at, of a run outside a checkout.

    It is the folder that the configuration lies in or, where that is on no disk of this machine,
    the current one.
    """
    is_local = conf_source and "://" not in conf_source
    return Path(conf_source).resolve().parent if conf_source and is_local else Path.cwd()


@cache
def configuration_folder(conf_source: str) -> Path:
    """The folder with the configuration; that of an archive is unpacked until the process ends.

    Args:
        conf_source: A folder, an archive (`.tar.gz`, `.zip` and what else `shutil` unpacks) whose
            configuration may lie in one folder of it, or the URL of an archive.

    Raises:
        UserError: It is an archive that cannot be read, or holds no configuration.
    """
    if "://" not in conf_source and not Path(conf_source).is_file():
        return Path(conf_source)
    folder = Path(mkdtemp(prefix="segmentation-conf-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    archive = folder / conf_source.rstrip("/").rpartition("/")[2]
    try:
        with fsspec.open(conf_source) as source, archive.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        # Of `.zip`, which holds no links, Python takes no filter.
        safely: dict[str, Any] = {} if archive.suffix == ".zip" else {"filter": "data"}
        shutil.unpack_archive(archive, folder / "conf", **safely)
    except (OSError, ValueError, EOFError, shutil.ReadError) as error:
        raise UserError(
            f"there is no configuration in {conf_source}: it cannot be read as an archive, such as "
            f"`kedro package` writes for --conf-source: {error}"
        ) from error
    found = sorted((folder / "conf").glob(f"**/{_BASE}"), key=lambda path: len(path.parts))
    if not found:
        raise UserError(
            f"there is no configuration in {conf_source}: it holds no folder `{_BASE}`, as the "
            "project's `conf` does"
        )
    return found[0].parent
