# SPDX-License-Identifier: Apache-2.0
"""Python imports this by itself at start wherever PYTHONPATH names this folder: it guards what a test starts."""

import device_guard

device_guard.install()
