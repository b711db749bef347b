"""A real proxy in front of a server: nginx, which takes a prefix off each path."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving.process import start
from tools.ports import free_port
from tools.versitygw import cache_folder

# In one process, which keeps the user that it has.
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location {prefix}/ {{ proxy_pass {upstream}/; }}
  }}
}}
"""


@contextmanager
def proxied(upstream: str, prefix: str, folder: Path) -> Iterator[str]:
    """The address of a server behind nginx, prefix included, without a slash at its end.

    Args:
        upstream: The server's own address.
        prefix: What nginx takes off, such as `/shop`.
        folder: Where nginx keeps its files.
    """
    unpacked = cache_folder() / "nginx/usr/sbin/nginx"
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or unpacked
    if not Path(binary).is_file():
        pytest.skip("nginx is not there, a proxy to put in front: make services")
    folder.mkdir()
    port, file = free_port(), folder / "nginx.conf"
    file.write_text(
        _CONFIGURATION.format(folder=folder, port=port, prefix=prefix, upstream=upstream)
    )
    command = [binary, "-p", folder, "-c", file, "-e", "stderr"]
    proxy = start(command, folder, port=port, ready=f"{prefix}/readyz")
    try:
        yield proxy.url + prefix
    finally:
        proxy.stop()
