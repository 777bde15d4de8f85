"""Errors meant for the person at the terminal: one clear line and an exit status."""


class UserError(Exception):
    """Something that the user can put right; the message says what to do.

    The command line prints it as one line on stderr and exits with `exit_status`.
    """

    exit_status = 1


class SettingError(UserError):
    """A setting or an argument that makes no sense (contract 7: exit status 2)."""

    exit_status = 2
