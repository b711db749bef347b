"""Write the zips of AWS Lambda's functions: `python -m tools.deploy.lambda_zip`, or `make lambda`.

The same code, locks and bundle give the same bytes. Lambda's python3.11 is Amazon Linux 2, whose
glibc is older than what the wheels of numpy and onnxruntime ask for; from python3.12 on it is
Amazon Linux 2023, which has it. So the default is not the Python that the project is tested with.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import grimp

from customer_segmentation.bundles.bundle import ALWAYS, COLD_START, MODELS, RESPONSE, SEGMENTER
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.serving.aws_lambda.scoring import BUNDLE
from customer_segmentation.serving.bundle import Bundle
from tools.access.places import CHECKOUT

PACKAGE = "customer_segmentation"
FUNCTIONS = f"{PACKAGE}.serving.aws_lambda"
SCORING, LANDING = "scoring.zip", "landing.zip"
PYTHON = "3.13"
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_ZIPPED, MOST_UNZIPPED = 50 * 1024**2, 250 * 1024**2
_LOCK = CHECKOUT / "requirements" / "lambda.txt"
_PLATFORM = "x86_64-manylinux_2_28"
# Of the libraries, what no answer needs: tests, other tools, what compilers read.
_LEFT_OUT = (
    *("bin/*", "*/tests/*", "*.pyi", "*.h", "*.proto", "*.pxd", "*.pyx", "*.cmake", "*.cc"),
    *("numpy/f2py/*", "numpy/_core/include/*", "numpy/_core/lib/*"),
    *("onnx/backend/test/*", "onnx/reference/*"),
    # For programs in C: Python's module holds all of it once more.
    "onnxruntime/capi/libonnxruntime.so.*",
    *(f"onnxruntime/{name}/*" for name in ("datasets", "quantization", "tools", "transformers")),
    # They tell where and how it was installed.
    *("*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED", ".lock"),
    *("*.dist-info/direct_url.json", "*.dist-info/uv_cache.json", "*.dist-info/uv_build.json"),
)
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


def write_scoring(to: Path, bundle: Path | str | None, python: str = PYTHON) -> Path:
    """Write the zip of the functions that score and that take events and records.

    One zip for both: what scoring needs holds all that ingestion does.

    Args:
        to: A folder.
        bundle: An environment's folder of models, or a folder that holds the files of one bundle;
            without it scoring reads one from S3.
        python: The version of Lambda's runtime.

    Raises:
        UserError: There is no such bundle, it is broken, or the zip is too large for Lambda.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        # First: it is the likeliest to be refused.
        if bundle:
            _write_bundle(folder / BUNDLE, bundle)
        _install(folder, python)
        _copy_modules(folder, f"{FUNCTIONS}.scoring", f"{FUNCTIONS}.ingestion")
        _compile(folder, python)
        return _zipped(folder, to / SCORING)


def write_landing(to: Path) -> Path:
    """Write the zip of the function that starts runs, into a folder."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _copy_modules(folder, f"{FUNCTIONS}.landing")
        return _zipped(folder, to / LANDING)


def interpreter(python: str) -> Path | None:
    """The Python of a version on this machine, or nothing."""
    command = [_uv(), "python", "find", "--no-python-downloads", "--no-project", python]
    # Of several, pyenv shows the one that is asked for.
    told = {**os.environ, "PYENV_VERSION": python}
    found = subprocess.run(command, check=False, capture_output=True, text=True, env=told)  # noqa: S603 - our own
    return Path(found.stdout.strip()) if found.returncode == 0 else None


def _uv() -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if uv := shutil.which("uv", path=path):
        return uv
    raise UserError("uv is not there: make lambda installs it")


def _install(folder: Path, python: str) -> None:
    options: list[str | Path] = ["--target", folder, "--python-platform", _PLATFORM]
    options += ["--python-version", python, "--only-binary", ":all:", "--no-deps"]
    options += ["--require-hashes", "-r", _LOCK]
    command = [_uv(), "pip", "install", "--quiet", "--python", sys.executable, *options]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own
    if ended.returncode:
        raise UserError(f"the libraries of {_LOCK.name} cannot be had:\n{ended.stderr.strip()}")
    for path in _files(folder):
        name = path.relative_to(folder)
        if "__pycache__" in name.parts or any(name.match(p) or _below(name, p) for p in _LEFT_OUT):
            path.unlink()


def _below(name: Path, pattern: str) -> bool:
    """Whether a file is anywhere below a folder that a pattern ending in `/*` names."""
    return pattern.endswith("/*") and any(each.match(pattern[:-2]) for each in name.parents)


def _copy_modules(folder: Path, *entries: str) -> None:
    """Copy the modules of functions and all that they import, early or late."""
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True)
    needed = {*entries}.union(*(graph.find_upstream_modules(entry) for entry in entries))
    parts = [name.split(".") for name in needed]
    # Packages run when a module within them is imported.
    needed |= {".".join(one[:count]) for one in parts for count in range(1, len(one))}
    source = CHECKOUT / "src"
    for name in needed:
        module = source / name.replace(".", "/")
        found = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
        target = folder / found.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, target)


def _write_bundle(folder: Path, bundle: Path | str) -> None:
    here = Path(bundle)
    if (here / SEGMENTER).is_file():
        files = {n: (here / n).read_bytes() for n in MODELS if n in ALWAYS or (here / n).is_file()}
    else:
        champion = BundleStore(str(bundle)).champion()
        if champion is None:
            raise UserError(f"{bundle} has no champion: kedro run makes one")
        files = {name: champion.files[name] for name in champion.models}
    # What a function would refuse is refused here.
    Bundle(files[SEGMENTER], files[COLD_START], files.get(RESPONSE))
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _compile(folder: Path, python: str) -> None:
    """Compile all modules: Lambda cannot keep what it compiles, and would do so at each start."""
    compiler = interpreter(python)
    if compiler is None:
        told = (
            f"Python {python} is not on this machine: modules are not compiled, and a start takes"
        )
        click.echo(f"{told} half a second of a core more", err=True)
        return
    options: list[str | Path] = ["-q", "-q", "--invalidation-mode", "unchecked-hash"]
    command = [compiler, "-m", "compileall", *options, "-s", folder, folder]
    # Some libraries hold files that are no Python; that is no error of theirs or ours.
    subprocess.run(command, check=False, env={**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S603 - our own


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _zipped(folder: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as written:
        for path in _files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EARLIEST)
            entry.compress_type, entry.external_attr, entry.create_system = 8, _MODE, 3
            content = path.read_bytes()
            size += len(content)
            written.writestr(entry, content)
    zipped = target.stat().st_size
    if zipped > MOST_ZIPPED or size > MOST_UNZIPPED:
        raise UserError(
            f"{target} has {zipped} bytes, {size} unzipped; Lambda takes {MOST_ZIPPED} and "
            f"{MOST_UNZIPPED}: leave out more in {Path(__file__).name}"
        )
    return target


@click.command()
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), default=Path("dist"))
@click.option("--bundle", default=None, help="Folder of models, or of one bundle, to put in.")
@click.option("--python", default=PYTHON, show_default=True, help="Version of Lambda's runtime.")
def main(to: Path, bundle: str | None, python: str) -> None:
    """Write both zips, and say how large they are."""
    for path in (write_scoring(to, bundle, python), write_landing(to)):
        click.echo(f"{path}: {path.stat().st_size / 1024**2:.1f} MiB")


if __name__ == "__main__":
    main()
