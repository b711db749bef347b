"""`python -m customer_segmentation.serving.jobs.worker`: works on jobs, one at a time.

It reads the server's settings from the environment.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError

from customer_segmentation.errors import UserError
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.jobs.attempt import attempt
from customer_segmentation.serving.jobs.files import JobFiles
from customer_segmentation.serving.jobs.leases import Leases
from customer_segmentation.serving.jobs.table import JobTable
from customer_segmentation.serving.jobs.watch import HeldJob, memory, restart
from customer_segmentation.serving.monitoring.monitor import END_SECONDS, counting
from customer_segmentation.serving.settings import Settings, read_settings

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 0.2
_SWEEP_SECONDS = 30.0
_PARENT_SECONDS = 0.5


def main(arguments: list[str] | None = None) -> None:
    """Work until a signal arrives or the parent ends."""
    parser = argparse.ArgumentParser(prog="python -m customer_segmentation.serving.jobs.worker")
    parser.add_argument("--parent", type=int, help="end when this process is not the parent")
    parent = parser.parse_args(arguments).parent
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        settings = read_settings({})
        if parent is not None:
            # SIGHUP is meant for the server, but may be sent to its process group.
            if hasattr(signal, "SIGHUP"):
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            watched = parent, stopping, settings.stop_seconds
            threading.Thread(target=_watch, args=watched, daemon=True).start()
        work(settings, stopping)
    except UserError as error:
        sys.exit(f"Error: {error}")


def work(settings: Settings, stopping: threading.Event) -> None:
    """Work on jobs, and remove expired ones.

    Args:
        settings: The server's.
        stopping: Set when the worker must stop and give its job back.

    Raises:
        UserError: There is no bundle.
    """
    champion = Champion(settings.bundle, settings.device)
    table = JobTable(settings.database_url, settings.jobs_kept)
    leases = Leases(table, settings.lease_seconds)
    files = JobFiles(settings.jobs)
    pause = min(_SWEEP_SECONDS, settings.jobs_kept / 2.0)
    if settings.job_memory and not memory():
        logger.warning("the memory of this process is unknown here: job-memory is not enforced")
    next_sweep = 0.0
    with counting(settings) as collector:
        while not stopping.is_set():
            try:
                if monotonic() >= next_sweep:
                    # Longer than a server waits for an upload.
                    files.sweep(table, 3.0 * settings.body_seconds + 60.0)
                    next_sweep = monotonic() + pause
                job = leases.take()
                if job is None:
                    stopping.wait(_IDLE_SECONDS)
                    continue
                champion.refresh()
                held = HeldJob(job, leases, files, settings, stopping)
                counts = attempt(held, champion.current)
                if counts and settings.is_monitoring:
                    collector.add(counts)
                # Memory that one job leaves must not count against the next.
                if settings.job_memory and memory() > settings.job_memory / 2:
                    collector.end(END_SECONDS)
                    restart(stopping)
            except (SQLAlchemyError, OSError):
                logger.exception("the job table or the jobs' folder does not answer")
                stopping.wait(1.0)


def _watch(parent: int, stopping: threading.Event, seconds: float) -> None:
    """Stop when the parent ends; exit at once if that takes too long."""
    while os.getppid() == parent:
        stopping.wait(_PARENT_SECONDS)
        if stopping.is_set():
            return
    stopping.set()
    threading.Event().wait(seconds)
    os._exit(1)


if __name__ == "__main__":
    main()
