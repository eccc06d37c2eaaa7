# SPDX-License-Identifier: Apache-2.0
"""A broker for the demo: loopback only, in a process of its own that never outlives the agent."""

from agent.demo_broker.broker import DemoBroker, DemoBrokerError, DemoBrokerMissing

__all__ = ["DemoBroker", "DemoBrokerError", "DemoBrokerMissing"]
