# SPDX-License-Identifier: Apache-2.0
"""The version. The build reads it from here, so that a start need not read the metadata of packages."""

VERSION = "0.1.0"
