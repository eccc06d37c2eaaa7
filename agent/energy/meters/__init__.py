# SPDX-License-Identifier: Apache-2.0
"""What tells how much power is drawn, each by its own means and under its own name."""
