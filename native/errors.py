# SPDX-License-Identifier: Apache-2.0
"""Errors of the line engine and the guard, one class per thing that a caller may want to treat differently."""


class LineError(Exception):
    """Base of everything that this package raises; the text names the line."""


class LineConfigError(LineError):
    """A line, rule or sequence cannot be configured like this; the text says what to change."""


class LineCommandError(LineError, ValueError):
    """A command that the line can never carry out; the text names the limit."""


class LineBusyError(LineError):
    """The line has a running command; commands are never merged."""


class EngineClosedError(LineError):
    """The engine has not been started, or has been closed."""


class GuardError(LineError):
    """The guard process could not be started, reached or understood."""


class GuardAliveError(GuardError):
    """The guard at this rendezvous still has its agent: another agent owns the board."""
