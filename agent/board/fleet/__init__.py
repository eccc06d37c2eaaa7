# SPDX-License-Identifier: Apache-2.0
"""A board's place in the fleet, made where the site file has `[fleet]`."""
