# SPDX-License-Identifier: Apache-2.0
"""The table `[energy.kubernetes]` of a site file."""

from __future__ import annotations

from typing import Annotated

import msgspec

from agent.profile.base import Table

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
DNS_NAME = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*"
"""What Kubernetes takes as the name of a node and as the prefix of a key (RFC 1123)."""


class KubernetesTable(Table, frozen=True, kw_only=True):
    """All of it may be left out inside a cluster."""

    node: Annotated[str, msgspec.Meta(pattern=f"^({DNS_NAME})?$", max_length=253)] = ""
    """The node's name; empty = what NODE_NAME says, else this computer's name."""
    server: Annotated[str, msgspec.Meta(pattern=r"^(https://\S+)?$", max_length=500)] = ""
    """`https://host:port` for an agent outside the cluster; empty = what the cluster tells its pods."""
    token_file: str = f"{SERVICE_ACCOUNT}/token"
    ca_file: str = f"{SERVICE_ACCOUNT}/ca.crt"
    prefix: Annotated[str, msgspec.Meta(pattern=f"^{DNS_NAME}$", max_length=253)] = "energy.pgood"
    """Our keys are PREFIX/NAME: take a domain of yours."""
    rapl_keys: bool = False
    """Write the annotations of powercap (`rapl/pmax` and the like) as well."""
    tier_label: bool = True
    """Write the label PREFIX/power-tier, for schedulers."""
    remove_on_exit: bool = True
    """Take all of it away when the agent ends, because no cap holds any more."""
    min_interval_s: Annotated[float, msgspec.Meta(ge=5, le=3600)] = 60.0
    """The node is not written more often."""
    spread_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 10.0
    """A change is written after a random part of this, so that a fleet does not write all at once."""
    check_interval_s: Annotated[float, msgspec.Meta(ge=60, le=86_400)] = 3600.0
    """So often the node is read, and what somebody has changed is put right."""
    timeout_s: Annotated[float, msgspec.Meta(ge=1, le=60)] = 10.0
    """For one whole request."""
