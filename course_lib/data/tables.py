"""Tables: German Credit (numbers only) and Adult (numbers and categories, with missing values)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from course_lib.data import sources
from course_lib.data.cards import Card, card

if TYPE_CHECKING:
    from pandas import DataFrame

# The file has no names. These were found by comparing it with german.data, whose columns are
# documented: each numeric column equals one of its columns, or marks one of its categories.
GERMAN_FEATURES = (
    *("checking account", "months", "credit history", "amount in 100 DM", "savings", "employment"),
    *("personal status", "years at residence", "property", "age", "other installment plans"),
    *("credits at this bank", "dependants", "telephone", "foreign worker"),
    *("purpose: new car", "purpose: used car", "no other debtor", "co-applicant"),
    *("rents a home", "owns a home", "job: unskilled, non-resident", "job: unskilled"),
    "job: skilled",
)

ADULT_COLUMNS = (
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status"),
    *("occupation", "relationship", "race", "sex", "capital-gain", "capital-loss"),
    *("hours-per-week", "native-country", "salary"),
)
ADULT_NUMERIC = (
    *("age", "fnlwgt", "education-num", "capital-gain", "capital-loss"),
    "hours-per-week",
)
ADULT_CATEGORICAL = tuple(
    name for name in ADULT_COLUMNS if name not in ADULT_NUMERIC and name != "salary"
)


@dataclass(frozen=True)
class NumericTable:
    """A table of numbers with a class for each row.

    Attributes:
        features: ``float32``, ``(rows, columns)``.
        labels: ``int64``, ``(rows,)``.
        feature_names: a name for each column.
        classes: a name for each class number.
        card: licence, citation and homepage.
        source: ``COURSE_DATA``, ``cache``, ``download`` or ``stand-in``.
    """

    features: Tensor
    labels: Tensor
    feature_names: tuple[str, ...]
    classes: tuple[str, ...]
    card: Card
    source: str

    @property
    def is_standin(self) -> bool:
        """Whether this table is generated instead of the real one."""
        return self.source == "stand-in"

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class MixedTable:
    """Tables of numbers and categories, raw as published.

    Attributes:
        train: the training rows, a pandas ``DataFrame``; missing values are NaN.
        test: the test rows, likewise.
        target: name of the column to predict.
        categorical: names of the columns with categories.
        numeric: names of the columns with numbers.
        card: licence, citation and homepage.
        source: ``COURSE_DATA``, ``cache``, ``download`` or ``stand-in``.
    """

    train: DataFrame
    test: DataFrame
    target: str
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    card: Card
    source: str

    @property
    def is_standin(self) -> bool:
        """Whether these tables are generated instead of the real ones."""
        return self.source == "stand-in"


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
        card("german-credit"),
        loaded.source,
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
        train, test, "salary", ADULT_CATEGORICAL, ADULT_NUMERIC, card("adult"), loaded.source
    )


def _read_adult(files: sources.Files) -> tuple[DataFrame, DataFrame]:
    return (
        read_adult_rows(files.read("adult.data"), "adult.data"),
        read_adult_rows(files.read("adult.test"), "adult.test"),
    )


def read_adult_rows(content: bytes, name: str) -> DataFrame:
    """Read one of Adult's files into a frame with the columns of ``ADULT_COLUMNS``.

    Raises:
        DamagedFile: a row has too few fields, a number is none, or a label is unknown.
    """
    import pandas as pd

    frame = pd.read_csv(
        io.BytesIO(content),
        names=ADULT_COLUMNS,
        comment="|",  # the first line of adult.test
        skipinitialspace=True,
        na_values="?",
        keep_default_na=False,
    )
    frame["salary"] = frame["salary"].str.rstrip(".")
    numbers = all(pd.api.types.is_numeric_dtype(frame[column]) for column in ADULT_NUMERIC)
    if not numbers or set(frame["salary"]) != {"<=50K", ">50K"}:
        raise sources.DamagedFile(f"{name} does not have the columns of the Adult data set")
    return frame
