# SPDX-License-Identifier: Apache-2.0
"""How well the line engine keeps its times: against cyclictest, a plain Python loop and a minimal C loop."""
