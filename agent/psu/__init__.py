# SPDX-License-Identifier: Apache-2.0
"""Power supplies: what they say, how redundant they are, and which of them may sleep."""
