"""That something can't be tried on this machine."""


class Absent(SystemExit):
    """Why. Ends the process with status 77, which is how ctest knows a skip, unless a row takes it."""

    def __init__(self, reason):
        super().__init__(77)
        self.reason = reason
