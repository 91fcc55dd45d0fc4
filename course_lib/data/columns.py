"""Names of the columns of German Credit and Adult."""

# german.data-numeric has no names. These were found by comparing it with german.data, whose columns
# are documented: each numeric column equals one of its columns, or marks one of its categories.
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
    *("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"),
)
ADULT_TARGET = "salary"
ADULT_CATEGORICAL = tuple(
    name for name in ADULT_COLUMNS if name not in (*ADULT_NUMERIC, ADULT_TARGET)
)
