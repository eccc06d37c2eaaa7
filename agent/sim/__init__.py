# SPDX-License-Identifier: Apache-2.0
"""A plant: ATX host, CRPS supplies, thermal mass. It acts on lines and the I2C bus only, as a real machine would."""
