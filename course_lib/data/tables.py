"""Tables: German Credit (numbers only) and Adult (numbers and categories, with missing values)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from course_lib.data import sources
from course_lib.data.cards import card
from course_lib.data.columns import (
    ADULT_CATEGORICAL,
    ADULT_COLUMNS,
    ADULT_NUMERIC,
    ADULT_TARGET,
    GERMAN_FEATURES,
)
from course_lib.data.dataset import DataSet

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class NumericTable(DataSet):
    """A table of numbers with a class for each row.

    Attributes:
        features: ``float32``, ``(rows, columns)``.
        labels: ``int64``, ``(rows,)``.
        feature_names: a name for each column.
        classes: a name for each class number.
        card, source, is_standin: as in every :class:`~course_lib.data.dataset.DataSet`.
    """

    features: Tensor
    labels: Tensor
    feature_names: tuple[str, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class MixedTable(DataSet):
    """Tables of numbers and categories, raw as published.

    Attributes:
        train: the training rows, a pandas ``DataFrame``; missing values are NaN.
        test: the test rows, likewise.
        target: name of the column to predict.
        categorical: names of the columns with categories.
        numeric: names of the columns with numbers.
        card, source, is_standin: as in every :class:`~course_lib.data.dataset.DataSet`.
    """

    train: DataFrame
    test: DataFrame
    target: str
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]


def german_credit(device: torch.device | str | None = None) -> NumericTable:
    """German Credit: 1,000 applicants for a loan, 24 numbers each; 0 is a good risk, 1 a bad one.

    The official file numbers the classes 1 and 2; the labels here are one less. There is no
    official test set.

    Args:
        device: where the tensors live; default the CPU.

    Raises:
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Source: Hofmann (1994); see ``card("german-credit")``.
    """
    from course_lib.data.standins import tables

    loaded = sources.load("german-credit", _read_german, tables.german_credit)
    features, labels = loaded.value
    bad = int(labels.sum())
    content = (
        f"{len(labels):,} loan applicants, {features.shape[1]} numbers each, "
        f"{len(labels) - bad} good and {bad} bad risks"
    )
    sources.describe("german-credit", loaded, content, "a generated table of the same form")
    return NumericTable(
        features.to(device),
        labels.to(device),
        GERMAN_FEATURES,
        ("good", "bad"),
        card=card("german-credit"),
        source=loaded.source,
    )


def _read_german(files: sources.Files) -> tuple[Tensor, Tensor]:
    name = "german.data-numeric"
    try:
        rows = np.loadtxt(io.BytesIO(files.read(name)), dtype=np.float32, ndmin=2)
    except ValueError as error:
        raise sources.DamagedFile(f"{name} is no table of numbers: {error}") from error
    labels = torch.from_numpy(rows[:, -1].astype(np.int64)) - 1
    if rows.shape[1] != 25 or not bool(((labels == 0) | (labels == 1)).all()):
        raise sources.DamagedFile(f"{name} should have 24 numbers and a label 1 or 2 in each row")
    return torch.from_numpy(rows[:, :-1].copy()), labels


def adult() -> MixedTable:
    """Adult: 32,561 training and 16,281 test rows of a census; does a person earn over 50,000 $?

    The frames are as published, except that ``?`` has become NaN, blanks around words are gone, and
    so is the full stop after the labels of the test file: both have ``<=50K`` and ``>50K``.

    Raises:
        FileNotFoundError: ``COURSE_DATA`` names a folder that does not exist.

    Source: Becker and Kohavi (1996); see ``card("adult")``.
    """
    from course_lib.data.standins import tables

    loaded = sources.load("adult", _read_adult, tables.adult)
    train, test = loaded.value
    content = (
        f"{len(train):,} training and {len(test):,} test rows, {len(ADULT_CATEGORICAL)} "
        f"categorical and {len(ADULT_NUMERIC)} numeric columns"
    )
    sources.describe("adult", loaded, content, "generated tables of the same form")
    return MixedTable(
        train,
        test,
        ADULT_TARGET,
        ADULT_CATEGORICAL,
        ADULT_NUMERIC,
        card=card("adult"),
        source=loaded.source,
    )


def _read_adult(files: sources.Files) -> tuple[DataFrame, DataFrame]:
    return _read_adult_rows(files, "adult.data"), _read_adult_rows(files, "adult.test")


def _read_adult_rows(files: sources.Files, name: str) -> DataFrame:
    """One file; it is damaged when a row has too few fields or a label is unknown."""
    import pandas as pd

    frame = pd.read_csv(
        io.BytesIO(files.read(name)),
        names=ADULT_COLUMNS,
        comment="|",  # the first line of adult.test
        skipinitialspace=True,
        na_values="?",
        keep_default_na=False,
    )
    frame[ADULT_TARGET] = frame[ADULT_TARGET].str.rstrip(".")
    numbers = all(pd.api.types.is_numeric_dtype(frame[column]) for column in ADULT_NUMERIC)
    if not numbers or set(frame[ADULT_TARGET]) != {"<=50K", ">50K"}:
        raise sources.DamagedFile(f"{name} does not have the columns of the Adult data set")
    return frame
