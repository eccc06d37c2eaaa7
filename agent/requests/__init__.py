# SPDX-License-Identifier: Apache-2.0
"""The request interface that MQTT and the local socket share: methods, their arguments and their answers."""
