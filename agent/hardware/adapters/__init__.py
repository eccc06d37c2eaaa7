# SPDX-License-Identifier: Apache-2.0
"""Power adapters: ways to switch a machine, as plug-ins."""
