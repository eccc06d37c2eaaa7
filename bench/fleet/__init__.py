# SPDX-License-Identifier: Apache-2.0
"""How well the fleet's budget holds: a surge on oversubscribed racks, under several policies."""
