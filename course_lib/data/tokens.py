"""Tokens as numbers: a vocabulary, and windows of a long text for language models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

UNKNOWN = "<unk>"


class Vocabulary:
    """The numbers of tokens: special tokens first, then the others, most frequent first.

    Args:
        tokens: all tokens of the training text, repeated as often as they occur.
        least: a token that occurs less often than this is treated as unknown.
        special: tokens with the first numbers, such as ``<unk>`` and ``<pad>``.

    Attributes:
        tokens: the token of each number; equally frequent ones are in alphabetical order.

    Raises:
        ValueError: a special token is named twice, or ``least`` drops tokens where there is no
            ``<unk>``.

    >>> letters = Vocabulary("banana")
    >>> letters.tokens
    ['<unk>', 'a', 'n', 'b']
    >>> letters.encode("cab")
    tensor([0, 1, 3])
    """

    def __init__(
        self, tokens: Iterable[str], least: int = 1, special: Sequence[str] = (UNKNOWN,)
    ) -> None:
        if len(set(special)) < len(special):
            raise ValueError(f"a special token is named twice: {', '.join(special)}")
        if least > 1 and UNKNOWN not in special:
            raise ValueError(f"least={least} drops tokens: {UNKNOWN!r} must be a special token")
        counts = Counter(tokens)
        kept = sorted(
            (token for token, n in counts.items() if n >= least and token not in special),
            key=lambda token: (-counts[token], token),
        )
        self.tokens = [*special, *kept]
        self._numbers = {token: number for number, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._numbers

    def __getitem__(self, token: str) -> int:
        """The number of a token, or that of ``<unk>``.

        Raises:
            KeyError: the token is unknown, and the vocabulary has no ``<unk>``.
        """
        number = self._numbers.get(token, self._numbers.get(UNKNOWN))
        if number is None:
            raise KeyError(f"{token!r} is not in the vocabulary, which has no {UNKNOWN!r}")
        return number

    def __repr__(self) -> str:
        first = ", ".join(map(repr, self.tokens[:5]))
        return f"Vocabulary of {len(self):,} tokens: {first}{', …' if len(self) > 5 else ''}"

    def encode(self, tokens: Iterable[str]) -> Tensor:
        """The numbers of some tokens, ``int64 (n,)``."""
        return torch.tensor([self[token] for token in tokens], dtype=torch.int64)

    def decode(self, numbers: Iterable[int] | Tensor) -> list[str]:
        """The tokens of some numbers."""
        return [self.tokens[int(number)] for number in numbers]


def windows(
    numbers: Tensor, batch_size: int, steps: int, offset: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Cut a long text into mini-batches that continue each other (sequential partition).

    The text is divided into ``batch_size`` equal pieces, one for each row. A row of each mini-batch
    continues the same row of the mini-batch before, so that the hidden state can be carried over.

    Args:
        numbers: the text, ``int64 (n,)``.
        batch_size: number of rows.
        steps: tokens in each row of a mini-batch; a rest that is shorter is left out.
        offset: how many tokens at the beginning to skip.

    Yields:
        ``(x, y)``, each ``int64 (batch_size, steps)``; ``y`` is the next token for each of ``x``.

    Raises:
        ValueError: the text is too short for a single mini-batch.

    >>> x, y = next(windows(torch.arange(9), batch_size=2, steps=2))
    >>> x.tolist(), y.tolist()
    ([[0, 1], [4, 5]], [[1, 2], [5, 6]])
    """
    length = (len(numbers) - offset - 1) // batch_size
    if length < steps:
        raise ValueError(
            f"{len(numbers):,} tokens from number {offset} on do not fill {batch_size} rows of "
            f"{steps} steps: take fewer rows or fewer steps"
        )
    end = offset + batch_size * length
    inputs = numbers[offset:end].view(batch_size, length)
    targets = numbers[offset + 1 : end + 1].view(batch_size, length)
    for start in range(0, length - steps + 1, steps):
        yield inputs[:, start : start + steps], targets[:, start : start + steps]
