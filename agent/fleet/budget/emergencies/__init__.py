# SPDX-License-Identifier: Apache-2.0
"""When less power may be drawn at once: who is cut, in which order, until when."""
