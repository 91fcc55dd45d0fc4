"""What every data set says about itself: its card, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass

from course_lib.data.cards import Card


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """The part that all data sets share.

    Attributes:
        card: licence, citation and homepage.
        source: ``COURSE_DATA``, ``cache``, ``download`` or ``stand-in``.
    """

    card: Card
    source: str

    @property
    def is_standin(self) -> bool:
        """Whether these data are generated instead of the real ones."""
        return self.source == "stand-in"
