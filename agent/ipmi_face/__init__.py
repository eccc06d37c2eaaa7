# SPDX-License-Identifier: Apache-2.0
"""The board as the IPMI server sees it: implementations of ipmi.board's interfaces over the services."""
