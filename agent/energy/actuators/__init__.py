# SPDX-License-Identifier: Apache-2.0
"""What turns a cap in watts into something that a machine obeys. One kind per file."""
