"""The one base class of failures that a user can act on."""


class SnnRosError(Exception):
    """A failure with a text fit for a user: it names the field or file and the value found.

    Commands print the text alone and exit with 1; nodes log it and report it in diagnostics.
    """
