# SPDX-License-Identifier: Apache-2.0
"""Where the budget's messages go. The power domain comes before the node: a broker of many machines is split by it."""

from __future__ import annotations

BASE = "pgood/fleet"
TAKEN = ("client", "deferrable", "emergency", "group", "kv", "lease", "members")
"""What is no domain below `pgood/fleet/`."""


def report_topic(domain: str, node: str) -> str:
    return f"{BASE}/{domain}/{node}/power"


def cap_topic(domain: str, node: str) -> str:
    return f"{BASE}/{domain}/{node}/cap"


def deferred_topic(domain: str, site: str) -> str:
    return f"{BASE}/{domain}/{site}/deferrable"


def wish_topic(domain: str) -> str:
    """How much load may run anywhere; below a level of its own, so that no node's name is like it."""
    return f"{BASE}/deferrable/{domain}"


def reports_of(domain: str) -> str:
    """The pattern of all reports."""
    return report_topic(domain, "+")


def node_of(topic: str) -> str:
    """The node that a topic of this form names; empty if it has another form."""
    levels = topic.split("/")
    return levels[3] if len(levels) == 5 else ""


def lead_lease(domain: str) -> str:
    """The name of the lease by which one coordinator leads."""
    return f"budget-{domain}"


def group_topic(domain: str, group: str) -> str:
    """The state of a group, for people; outside of what belongs to nodes, whose names are free."""
    return f"{BASE}/group/{domain}/{group}"


def members_topic(domain: str, group: str) -> str:
    """Who is in a group."""
    return f"{BASE}/members/{domain}/{group}"


def group_of(domain: str, topic: str) -> str:
    """The group that one of these two topics of a domain is about; empty if it is another topic."""
    for before in (group_topic(domain, ""), members_topic(domain, "")):
        group = topic.removeprefix(before)
        if group != topic and group and "/" not in group:
            return group
    return ""
