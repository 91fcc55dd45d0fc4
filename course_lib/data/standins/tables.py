"""Stand-ins for German Credit and Adult: invented rows with a rule behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from course_lib.data.columns import ADULT_COLUMNS

if TYPE_CHECKING:
    from pandas import DataFrame

SEED = 20_240_602

# smallest and largest value of each of the 15 columns of codes and counts in german.data-numeric
_RANGES = (
    *((1, 4), (4, 72), (0, 4), (2, 184), (1, 5), (1, 5), (1, 4), (1, 4), (1, 4), (19, 75)),
    *((1, 3), (1, 4), (1, 2), (1, 2), (1, 2)),
)
_GROUPS = (2, 2, 2, 3)  # sizes of the groups of marks; at most one mark of a group is 1
_WEIGHTS = (-1.0, 0.8, -0.6, 0.5, -0.5, -0.3, -0.2, 0.0, 0.3, -0.3, -0.2, 0.1, 0.1, -0.1, -0.3)


def german_credit() -> tuple[Tensor, Tensor]:
    """1,000 applicants: ``float32 (1000, 24)`` features and ``int64 (1000,)`` labels.

    The label is 1 for the 300 largest values of a weighted sum of the first 15 columns and noise.
    """
    rng = np.random.default_rng(SEED)
    codes = np.stack([_codes(low, high, rng) for low, high in _RANGES], axis=1)
    marks = np.concatenate(
        [np.eye(size + 1)[rng.integers(0, size + 1, 1000), 1:] for size in _GROUPS], 1
    )
    standard = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    score = standard @ np.array(_WEIGHTS) + 0.8 * rng.normal(size=1000)
    labels = np.zeros(1000, dtype=np.int64)
    labels[np.argsort(score)[-300:]] = 1
    features = np.concatenate([codes, marks], axis=1).astype(np.float32)
    return torch.from_numpy(features), torch.from_numpy(labels)


def _codes(low: int, high: int, rng: np.random.Generator) -> np.ndarray:
    """1,000 whole numbers: any of a few codes, or amounts of which most are small."""
    if high - low < 10:
        return rng.integers(low, high + 1, 1000)
    return (low + (high - low) * rng.beta(1.2, 4.0, 1000)).round()


_CATEGORIES = {
    "workclass": ("Private", "Self-emp-not-inc", "Self-emp-inc", "Federal-gov", "Local-gov"),
    "marital-status": ("Married-civ-spouse", "Never-married", "Divorced", "Separated", "Widowed"),
    "occupation": (
        *("Exec-managerial", "Prof-specialty", "Craft-repair", "Adm-clerical", "Sales"),
        *("Other-service", "Machine-op-inspct", "Transport-moving", "Handlers-cleaners"),
    ),
    "race": ("White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"),
    "sex": ("Male", "Female"),
    "native-country": ("United-States", "Mexico", "Philippines", "Germany", "Canada", "India"),
}
_EDUCATION = (
    *("Preschool", "1st-4th", "5th-6th", "7th-8th", "9th", "10th", "11th", "12th", "HS-grad"),
    *("Some-college", "Assoc-voc", "Assoc-acdm", "Bachelors", "Masters", "Prof-school"),
    "Doctorate",
)
_RELATIONSHIPS = ("Not-in-family", "Own-child", "Unmarried", "Other-relative")


def adult() -> tuple[DataFrame, DataFrame]:
    """Frames of 32,561 and 16,281 rows with the columns of the real ones and some missing values.

    The chance of ``>50K`` grows with age, education, hours, capital gain, marriage and two kinds of
    occupation; it does not depend on race, sex or country.
    """
    rng = np.random.default_rng(SEED)
    return _adult_rows(32_561, rng), _adult_rows(16_281, rng)


def _adult_rows(count: int, rng: np.random.Generator) -> DataFrame:
    import pandas as pd

    school = np.clip(rng.normal(10, 2.6, count).round(), 1, 16).astype(int)
    gain = np.where(rng.random(count) < 0.08, rng.lognormal(8.5, 0.8, count), 0).astype(int)
    frame = pd.DataFrame(
        {
            "age": np.clip(17 + rng.gamma(2.6, 8.3, count), 17, 90).astype(int),
            "fnlwgt": rng.lognormal(12, 0.5, count).astype(int),
            "education": np.array(_EDUCATION)[school - 1],
            "education-num": school,
            "capital-gain": gain,
            "capital-loss": np.where(
                rng.random(count) < 0.05, rng.normal(1870, 370, count), 0
            ).astype(int),
            "hours-per-week": np.clip(rng.normal(40, 12, count).round(), 1, 99).astype(int),
            **{name: _choose(kinds, count, rng) for name, kinds in _CATEGORIES.items()},
        }
    )
    married = frame["marital-status"] == "Married-civ-spouse"
    spouse = np.where(frame["sex"] == "Male", "Husband", "Wife")
    frame["relationship"] = np.where(married, spouse, _choose(_RELATIONSHIPS, count, rng))
    frame["salary"] = np.where(rng.random(count) < _chance(frame, married), ">50K", "<=50K")
    for column in ("workclass", "occupation", "native-country"):
        frame.loc[rng.random(count) < 0.04, column] = np.nan
    return frame[list(ADULT_COLUMNS)]


def _choose(kinds: tuple[str, ...], count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw categories; the first is the most frequent and each further one is rarer."""
    weights = 0.5 ** np.arange(len(kinds))
    return rng.choice(np.array(kinds), size=count, p=weights / weights.sum())


def _chance(frame: DataFrame, married: np.ndarray) -> np.ndarray:
    """The probability of a salary above 50,000 dollars."""
    skilled = frame["occupation"].isin(["Exec-managerial", "Prof-specialty"])
    score = (
        0.04 * (frame["age"] - 38)
        + 0.35 * (frame["education-num"] - 10)
        + 0.03 * (frame["hours-per-week"] - 40)
        + 3.0 * (frame["capital-gain"] > 5_000)
        + 1.8 * married
        + 0.8 * skilled
        - 3.0
    )
    return (1 / (1 + np.exp(-score))).to_numpy()
