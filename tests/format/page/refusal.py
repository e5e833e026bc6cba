"""The one way in which anything says that a file is no bundle and no layout."""


class Refused(Exception):
    """The page refuses this; the message is the reason, in the words of the page where it has some."""


def refuse_unless(condition, reason):
    """Raises `Refused` with the reason unless the condition holds."""
    if not condition:
        raise Refused(reason)
