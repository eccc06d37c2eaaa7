# SPDX-License-Identifier: Apache-2.0
"""The energy part of a board: imported where the site file has `[energy]`, but for its metrics."""
