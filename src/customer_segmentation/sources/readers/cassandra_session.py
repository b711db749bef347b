"""A session of Cassandra's driver, and what it says where there is none."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from customer_segmentation.errors import UserError
from customer_segmentation.sources.readers.failures import failure

if TYPE_CHECKING:
    from cassandra.cluster import Session

_SECONDS = 30.0
# It warns of each version of its protocol that a server does not speak, and of what is raised.
logging.getLogger("cassandra").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Access:
    """How a table's nodes are reached.

    Attributes:
        name: Of the table, for people.
        hosts: Some of the nodes.
        port: Of all nodes.
        user: Of a server that asks for one.
        password: Never shown.
        datacenter: Whose nodes are asked.
        consistency: How many replicas are asked.
        tls: A file of certificates; '' speaks without TLS.
    """

    name: str
    hosts: tuple[str, ...]
    port: int
    user: str
    password: str
    datacenter: str
    consistency: str
    tls: str

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session for the length of a `with` block, whose rows are dictionaries.

        Raises:
            UserError: No node answers, or no longer, or the user is refused.
        """
        from cassandra import (  # noqa: PLC0415 - as above
            ConsistencyLevel,
            DriverException,
            OperationTimedOut,
            RequestExecutionException,
            UnresolvableContactPoints,
        )
        from cassandra.cluster import NoHostAvailable  # noqa: PLC0415

        level = ConsistencyLevel.name_to_value.get(self.consistency)
        if level is None:
            raise failure(self.name, f"consistency: there is no {self.consistency!r}")
        cluster = None
        try:
            cluster = self._cluster(level)
            yield cluster.connect()
        except (NoHostAvailable, UnresolvableContactPoints) as error:
            raise self._refusal(error) from None
        except (DriverException, RequestExecutionException, OperationTimedOut) as error:
            what = "the server does not answer as it should: see that it runs, and run again"
            raise failure(self.name, what, error, [self.password]) from None
        finally:
            if cluster:
                cluster.shutdown()

    def _cluster(self, level: int) -> Any:  # noqa: ANN401 - its types are not complete
        from cassandra.auth import PlainTextAuthProvider  # noqa: PLC0415 - as above
        from cassandra.cluster import (  # noqa: PLC0415
            EXEC_PROFILE_DEFAULT,
            Cluster,
            ExecutionProfile,
        )
        from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy  # noqa: PLC0415
        from cassandra.query import dict_factory  # noqa: PLC0415

        profile = ExecutionProfile(
            load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(self.datacenter)),
            consistency_level=level,
            row_factory=dict_factory,
            request_timeout=_SECONDS,
        )
        return Cluster(
            list(self.hosts),
            port=self.port,
            auth_provider=PlainTextAuthProvider(self.user, self.password) if self.user else None,
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            ssl_context=self._tls_context(),
            connect_timeout=_SECONDS,
        )

    def _tls_context(self) -> Any:  # noqa: ANN401 - as above
        if not self.tls:
            return None
        import ssl  # noqa: PLC0415 - as above

        try:
            return ssl.create_default_context(cafile=self.tls)
        except OSError as error:
            raise failure(self.name, f"tls: {self.tls} is no file of certificates", error) from None

    def _refusal(self, error: Any) -> UserError:  # noqa: ANN401 - as above
        from cassandra import AuthenticationFailed  # noqa: PLC0415 - as above

        errors = getattr(error, "errors", None)
        each = list(errors.values()) if isinstance(errors, Mapping) else []
        if any(isinstance(one, AuthenticationFailed) for one in each):
            what = "the server refuses this user: check `user` and `password`"
            return failure(self.name, what, each[0], [self.password])
        what = f"no node of {', '.join(self.hosts)} answers on port {self.port}: see that it runs"
        return failure(self.name, what, each[0] if each else error, [self.password])
