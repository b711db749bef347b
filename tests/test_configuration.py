"""The configuration of a run outside a checkout: a folder, an archive, or the URL of one."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import fsspec
import pytest

from customer_segmentation.configuration import configuration_folder, project_of
from customer_segmentation.errors import UserError
from customer_segmentation.session import require_environment
from tests.conftest import CONFIGURATION


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `kedro package` writes it."""
    path = tmp_path_factory.mktemp("dist") / "conf-customer_segmentation.tar.gz"
    with tarfile.open(path, "w:gz") as packed:
        packed.add(CONFIGURATION, arcname="conf")
    return path


def test_a_folder_is_used_as_it_is() -> None:
    assert configuration_folder(str(CONFIGURATION)) == CONFIGURATION


def test_an_archive_is_unpacked_once_a_process(archive: Path) -> None:
    found = configuration_folder(str(archive))
    assert found == configuration_folder(str(archive))
    require_environment("prod", found)
    assert (found / "schemas" / "marketing_campaign.yml").is_file()


def test_an_archive_may_hold_the_configuration_itself(tmp_path: Path) -> None:
    packed = shutil.make_archive(str(tmp_path / "conf"), "zip", CONFIGURATION)
    require_environment("staging", configuration_folder(packed))


def test_an_archive_may_be_anywhere(archive: Path) -> None:
    place = "memory://artifacts/1.0/conf-customer_segmentation.tar.gz"
    with fsspec.open(place, "wb") as copy:
        copy.write(archive.read_bytes())
    require_environment("prod", configuration_folder(place))


def test_relative_paths_begin_beside_the_configuration_or_else_here(archive: Path) -> None:
    assert project_of(str(archive)) == archive.parent
    assert project_of("s3://bucket/conf.tar.gz") == project_of(None) == Path.cwd()


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"no archive", "cannot be read as an archive"), (None, "holds no folder `base`")],
    ids=["damaged", "of something else"],
)
def test_another_archive_is_refused_by_name(
    content: bytes | None, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "conf.tar.gz"
    if content is None:
        with tarfile.open(path, "w:gz") as packed:
            packed.add(CONFIGURATION / "dev", arcname="conf/dev")
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=told) as refused:
        configuration_folder(str(path))
    assert str(path) in str(refused.value)


def test_an_archive_that_is_not_there_is_named(tmp_path: Path) -> None:
    place = (tmp_path / "gone.tar.gz").as_uri()
    with pytest.raises(UserError, match=r"gone\.tar\.gz: it cannot be read"):
        configuration_folder(place)
