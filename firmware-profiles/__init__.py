# SPDX-License-Identifier: Apache-2.0
"""Makes this folder the package agent.firmware_profiles, so that profiles are found however pgood is installed."""
