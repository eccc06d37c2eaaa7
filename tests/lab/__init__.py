# SPDX-License-Identifier: Apache-2.0
"""The hardware lab: a command in a throw-away Linux guest that has the kernel's own gpio-sim and i2c-stub drivers."""
