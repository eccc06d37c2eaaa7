# SPDX-License-Identifier: Apache-2.0
"""IPMI servers side by side: pgood, OpenIPMI's ipmi_sim and pyghmi's fakebmc."""
