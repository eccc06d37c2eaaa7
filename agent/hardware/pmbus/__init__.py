# SPDX-License-Identifier: Apache-2.0
"""PMBus power supplies: registers, number formats, status bits, and the driver of one supply."""
