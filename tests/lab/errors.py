# SPDX-License-Identifier: Apache-2.0
"""What the lab cannot do."""


class LabError(Exception):
    """The lab cannot go on; the message is one line that names the thing and the cure."""
