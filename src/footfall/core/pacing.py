"""Pacing: how much a step does, so that others wait no longer than they may."""


class Pace:
    """How many items make a step, told from how long the steps before took.

    More by a few after a quick one, half as many after a slow one, as TCP paces what it
    sends (additive increase, multiplicative decrease).
    """

    def __init__(self, first: int, *, least: int, most: int, within_s: float):
        """Begin with steps of `first` items.

        Args:
            first: How many items the first step has.
            least: A step has so many, however long they take.
            most: A step has no more, however quick they are.
            within_s: How long a step may take, in seconds.
        """
        self.size = first
        self._least = least
        self._most = most
        self._within_s = within_s

    def take_in(self, seconds: float) -> None:
        """Take in how long a step took."""
        if seconds > self._within_s:
            self.size = max(self._least, self.size // 2)
        elif seconds < self._within_s / 2:
            self.size = min(self._most, self.size + self._least)
