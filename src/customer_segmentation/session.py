"""A Kedro session that finds its project from anywhere, and ends cleanly when stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from os import environ
from pathlib import Path
from typing import Any

import yaml
from kedro.config import AbstractConfigLoader
from kedro.framework.project import configure_logging, settings
from kedro.framework.session import KedroSession
from kedro.runner import ParallelRunner
from kedro.utils import find_kedro_project
from omegaconf import OmegaConf

from customer_segmentation.configuration import configuration_folder, project_of
from customer_segmentation.errors import UserError
from customer_segmentation.schema.file import FOLDER as SCHEMAS

_PARALLEL = (
    "ParallelRunner cannot be used: it runs steps in processes of their own, and the lock and "
    "MLflow's record are in this one. Leave --runner out: the steps use all processors themselves."
)


# `kill` and a closed terminal; Windows has no SIGHUP.
_STOPS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(KeyboardInterrupt):
    """A signal that ends a run as Ctrl-C does; error handlers must not swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = signal.Signals(number)


class ProjectSession(KedroSession):
    """A session with paths relative to the project, whose run Ctrl-C and SIGTERM end cleanly."""

    @classmethod
    def create(
        cls,
        project_path: Path | str | None = None,
        save_on_close: bool = True,  # noqa: FBT001, FBT002 - as the parent has it
        env: str | None = None,
        runtime_params: dict[str, Any] | None = None,
        conf_source: str | None = None,
    ) -> KedroSession:
        """Create a session in the project or, for an installed package, beside its configuration.

        Raises:
            UserError: There is no configuration, or no such environment.
        """
        project = Path(
            project_path or find_kedro_project(Path.cwd()) or project_of(conf_source)
        ).resolve()
        configuration = configuration_folder(str(conf_source or project / settings.CONF_SOURCE))
        require_environment(env, configuration)
        _log_as_configured(configuration, project)
        return super().create(project, save_on_close, env, runtime_params, str(configuration))

    def _get_config_loader(self) -> AbstractConfigLoader:
        arguments = dict(settings.CONFIG_LOADER_ARGS)
        resolvers = dict(arguments.pop("custom_resolvers"))
        # Kedro does not tell resolvers the project, and keeps the first of each name per process.
        located = partial(resolvers["customer_source"], project=self._project_path)
        OmegaConf.clear_resolver("customer_source")
        loader: AbstractConfigLoader = settings.CONFIG_LOADER_CLASS(
            conf_source=self._conf_source,
            env=self.store.get("env"),
            runtime_params=self.store.get("runtime_params"),
            custom_resolvers=resolvers | {"customer_source": located},
            **arguments,
        )
        return loader

    def run(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - as the parent has it
        """Run, and leave neither a lock nor an open MLflow run behind, however it ends.

        Raises:
            UserError: The runner cannot be used.
        """
        if isinstance(kwargs.get("runner"), ParallelRunner):
            raise UserError(_PARALLEL)
        import mlflow  # noqa: PLC0415 - seconds that other commands need not wait

        is_others = mlflow.active_run() is not None
        with _signals_raised():
            try:
                return super().run(*args, **kwargs)
            except BaseException as error:
                # Kedro reports only errors in steps, and MLflow would mark the run as finished.
                is_stopped = isinstance(error, KeyboardInterrupt)
                with _signals_ignored():
                    if not is_others:
                        mlflow.end_run("KILLED" if is_stopped else "FAILED")
                    # In reverse, so that what the run saved is removed before the lock is freed.
                    for hook in reversed(settings.HOOKS):
                        if hasattr(hook, "on_pipeline_error"):
                            hook.on_pipeline_error()
                raise


def require_environment(env: str | None, configuration: Path) -> None:
    """Check that the environment, or the one in KEDRO_ENV, is configured.

    Raises:
        UserError: It is not, or there is no configuration at all.
    """
    base = settings.CONFIG_LOADER_ARGS["base_env"]
    if not (configuration / base).is_dir():
        raise UserError(
            f"there is no configuration in {configuration.absolute()}: start in the project, or"
            f" have --conf-source name a folder that holds `{base}`, as the project's `conf` does"
        )
    folders = (path.name for path in configuration.iterdir() if path.is_dir())
    others = {base, SCHEMAS}
    known = sorted(name for name in folders if name not in others and not name.startswith("."))
    if (named := env or environ.get("KEDRO_ENV")) and named not in known:
        raise UserError(f"there is no environment `{named}`: --env takes {', '.join(known)}")


def _log_as_configured(configuration: Path, project: Path) -> None:
    """Use the logging configuration of the project; Kedro looks only in the current folder."""
    path = configuration / "logging.yml"
    is_read = path.absolute() == Path.cwd() / settings.CONF_SOURCE / "logging.yml"
    if "KEDRO_LOGGING_CONFIG" in environ or is_read or not path.is_file():
        return
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    for handler in config.get("handlers", {}).values():
        if "filename" in handler:
            handler["filename"] = str(project / handler["filename"])
    configure_logging(config)


def _signals_raised() -> AbstractContextManager[None]:
    """Let a signal end a run as Ctrl-C does."""

    def stop(number: int, _: object) -> None:
        raise Stopped(number)

    # `nohup` ignores SIGHUP so that a run outlives its terminal.
    heard = (number for number in _STOPS if signal.getsignal(number) != signal.SIG_IGN)
    return _handled(heard, stop)


def _signals_ignored() -> AbstractContextManager[None]:
    """Ignore signals during the cleanup after a first one."""
    return _handled((signal.SIGINT, *_STOPS), signal.SIG_IGN)


@contextmanager
def _handled(numbers: Iterable[int], handler: Any) -> Iterator[None]:  # noqa: ANN401 - signal's own
    # Only the main thread can handle signals.
    is_main = threading.current_thread() is threading.main_thread()
    former = {number: signal.signal(number, handler) for number in numbers if is_main}
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)
