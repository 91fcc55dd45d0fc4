import math
from types import SimpleNamespace

import pytest

from course_lib import claims, runtime
from course_lib.claims import ClaimError, claim


@pytest.fixture
def published(monkeypatch):
    records = []
    monkeypatch.setattr(claims, "display", lambda *_, metadata, **__: records.append(metadata))
    runtime.start("cpu")
    return records


def test_a_number_inside_its_band_is_printed_and_recorded(published, capsys):
    claim("accuracy", 0.9897, low=0.985, high=1)
    assert capsys.readouterr().out == "✓ accuracy = 0.9897 (must be 0.985 ≤ x ≤ 1)\n"
    record = published[0]["course"]["claim"]
    assert record["value"] == 0.9897 and record["ok"] and record["setting"] == "cpu"
    assert published[0]["scrapbook"]["name"] == "accuracy"


@pytest.mark.parametrize(
    "value, low, high", [(0.9, 0.95, None), (0.9, None, 0.8), (math.nan, None, None), (3, 4, 4)]
)
def test_a_number_outside_its_band_fails_the_run_but_is_recorded(published, value, low, high):
    with pytest.raises(ClaimError, match="accuracy"):
        claim("accuracy", value, low=low, high=high)
    assert published[0]["course"]["claim"]["ok"] is False


def test_a_band_belongs_to_a_setting(published):
    band = {"cpu": 0.98, "stand-in": 0.9}
    standin = SimpleNamespace(source="stand-in")
    claim("accuracy", 0.91, low=band, data=standin)
    assert published[-1]["course"]["claim"]["setting"] == "stand-in"
    with pytest.raises(ClaimError):
        claim("accuracy", 0.91, low=band, data=SimpleNamespace(source="cache"))
    runtime.start("smoke")
    claim("accuracy", 0.1, low=band, data=standin)
    assert published[-1]["course"]["claim"]["low"] is None


def test_full_means_both_profiles_on_real_data(published):
    band = {"full": 0.98, "gpu": 0.99}
    with pytest.raises(ClaimError):
        claim("accuracy", 0.97, low=band)
    claim("accuracy", 0.985, low=band)
    claim("accuracy", 0.5, low=band, data=SimpleNamespace(source="stand-in"))
    runtime.start("smoke")
    claim("accuracy", 0.1, low=band)


def test_a_misspelled_setting_is_refused(published):
    with pytest.raises(ValueError, match="standin"):
        claim("accuracy", 0.9, low={"standin": 0.5})


def test_integers_stay_integers_and_tensors_become_floats(published):
    torch = pytest.importorskip("torch")
    claim("parameters", 61_706, low=61_706, high=61_706)
    claim("loss", torch.tensor(0.5))
    assert [type(r["course"]["claim"]["value"]) for r in published] == [int, float]
