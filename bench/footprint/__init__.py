# SPDX-License-Identifier: Apache-2.0
"""What an agent costs a small board: memory, idle CPU, time to the first answer, imports, size of the wheel."""
