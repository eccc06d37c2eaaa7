# SPDX-License-Identifier: Apache-2.0
"""A power budget over many machines that cannot be exceeded."""
