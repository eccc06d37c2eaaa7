# SPDX-License-Identifier: Apache-2.0
"""Several sites under one parent: each is a node to it, and safe without it."""
