#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Isolated: neither the folder that it is called in nor the caller's PYTHON* variables reach what may run as root.
exec /usr/lib/pgood/bin/python3 -I -m agent "$@"
