# SPDX-License-Identifier: Apache-2.0
"""The local socket of a running agent: the command line's way in. JSON lines, one request per connection."""
