# SPDX-License-Identifier: Apache-2.0
"""The command line: one file per verb, exit code 2 and one clear line when something outside is wrong."""
