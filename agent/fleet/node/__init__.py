# SPDX-License-Identifier: Apache-2.0
"""A machine that goes to sleep and is woken because somebody said so from afar."""
