# SPDX-License-Identifier: Apache-2.0
"""A cap on a machine's power that follows price, carbon, heat and supply."""
