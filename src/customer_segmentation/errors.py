"""The one error a person can mend: its message says what is wrong, where, and what to do."""


class UserError(Exception):
    """Input, configuration or saved data that cannot be used as it is.

    The command line prints the message alone, without a traceback, and exits with 1.
    """
