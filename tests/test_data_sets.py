"""The data sets themselves: real ones where COURSE_DATA has them, and all stand-ins."""

import os
import random
import socket

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import data
from course_lib.data import photographs, tables, text
from course_lib.data.standins import text as standin_text

REAL = os.environ.get("COURSE_DATA")
needs_real = pytest.mark.skipif(
    not REAL, reason="COURSE_DATA is not set: set it to a folder with the real data to test them"
)

LOADERS = {
    "mnist": data.mnist,
    "fashion-mnist": data.fashion_mnist,
    "cifar10": data.cifar10,
    "german-credit": data.german_credit,
    "adult": data.adult,
    "time-machine": data.time_machine,
    "eng-cmn": lambda: data.sentence_pairs("eng-cmn"),
    "eng-fra": lambda: data.sentence_pairs("eng-fra"),
    "hymenoptera": data.hymenoptera,
    "oxford-pets": data.oxford_pets,
    "penn-fudan": data.penn_fudan,
    "style-transfer": data.style_pictures,
}
IMAGES = ("mnist", "fashion-mnist", "cifar10")
PHOTOS = ("hymenoptera", "oxford-pets")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def standins(tmp_path_factory):
    """Every stand-in, made with the network removed; nothing random outside may change."""

    def no_network(*_, **__):
        raise OSError("the network is removed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("COURSE_DATA", raising=False)
        patch.delenv("COURSE_OFFLINE", raising=False)
        patch.setattr(socket.socket, "connect", no_network)
        patch.setattr(socket, "getaddrinfo", no_network)
        before = random_state()
        loaded = {name: load() for name, load in LOADERS.items()}
        assert random_state() == before
    return loaded


def random_state():
    numbers = np.random.get_state()
    return random.getstate(), numbers[1].tobytes(), numbers[2], torch.get_rng_state().tolist()


@pytest.fixture(scope="module")
def real():
    """Loads real data sets, each once."""
    loaded = {}

    def load(name):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COURSE_DATA", REAL)
            if name not in loaded:
                loaded[name] = LOADERS[name]()
        assert loaded[name].source == "COURSE_DATA"
        return loaded[name]

    return load


# --- all sets -------------------------------------------------------------------------------------


def test_every_set_has_a_card():
    assert set(data.CARDS) == set(LOADERS)
    for name, card in data.CARDS.items():
        assert data.card(name) is card
        assert all(vars(card).values())
        assert card.source.startswith("http")
        shown = card._repr_markdown_()
        assert card.title in shown
        assert card.licence in shown
    with pytest.raises(KeyError, match="no data set is called 'emnist'; there are mnist"):
        data.card("emnist")


@pytest.mark.parametrize("name", LOADERS)
def test_standins_say_so(standins, name):
    assert standins[name].source == "stand-in"
    assert standins[name].is_standin
    assert standins[name].card is data.CARDS[name]


@pytest.mark.parametrize("name", LOADERS)
def test_standins_are_the_same_each_time(standins, name, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    monkeypatch.delenv("COURSE_DATA", raising=False)
    torch.manual_seed(99)  # the seed of the notebook must not matter
    assert summary(LOADERS[name]()) == summary(standins[name])
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert line.startswith(f"STAND-IN for {data.card(name).title}: ")
    assert "COURSE_DATA" in line


def summary(loaded):
    """Something that changes when the data change."""
    match loaded:
        case data.ImageSet():
            parts = (loaded.train.images, loaded.test.images)
            return [int(p.long().sum()) for p in parts], loaded.train.labels.tolist()
        case data.NumericTable():
            return loaded.features.tolist(), loaded.labels.tolist()
        case data.MixedTable():
            return loaded.train.to_csv(), loaded.test.to_csv()
        case data.Text():
            return loaded.text
        case data.SentencePairs():
            return loaded.pairs
        case data.StylePictures():
            return loaded.content.tolist(), loaded.style.tolist()
    sample = loaded.test[5]
    picture = sample.image.tolist()
    if isinstance(sample, data.Street):
        return picture, {key: value.tolist() for key, value in sample.target.items()}
    return picture, [part.tolist() for part in sample[2:]], loaded.train.labels.tolist()


def test_the_examples_in_the_documentation():
    import doctest
    import importlib
    import pkgutil

    import course_lib.data as package

    names = [m.name for m in pkgutil.walk_packages(package.__path__, "course_lib.data.")]
    results = [doctest.testmod(importlib.import_module(name)) for name in names]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) > 8


# --- images ---------------------------------------------------------------------------------------


def linear_accuracy(train, test, classes, epochs, seed=0):
    """Train a linear classifier by hand and measure it."""
    generator = torch.Generator().manual_seed(seed)
    inputs = train.images[0].numel()
    weight = (0.01 * torch.randn(classes, inputs, generator=generator)).requires_grad_()
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.Adam([weight, bias], lr=1e-3)
    for _ in range(epochs):
        for x, y in train.batches(64, shuffle=True, mean=0.5, std=0.25, seed=seed):
            optimizer.zero_grad()
            F.cross_entropy(F.linear(x.flatten(1), weight, bias), y).backward()
            optimizer.step()
    with torch.no_grad():
        ((x, y),) = test.batches(len(test), mean=0.5, std=0.25)
        return float((F.linear(x.flatten(1), weight, bias).argmax(1) == y).float().mean())


@pytest.mark.parametrize(
    ("name", "shape", "counts"),
    [
        ("mnist", (1, 28, 28), (60_000, 10_000)),
        ("fashion-mnist", (1, 28, 28), (60_000, 10_000)),
        ("cifar10", (3, 32, 32), (5_000, 1_000)),
    ],
)
def test_standins_for_images_look_like_the_real_ones_and_can_be_learned(
    standins, name, shape, counts
):
    found = standins[name]
    assert len(found.classes) == 10
    for part, count in zip((found.train, found.test), counts, strict=True):
        assert part.images.shape == (count, *shape)
        assert part.images.dtype == torch.uint8
        assert part.labels.dtype == torch.int64
        assert part.labels.unique().tolist() == list(range(10))
    assert linear_accuracy(found.train[:5_000], found.test[:1_000], 10, epochs=3) > 0.6


@pytest.mark.parametrize("name", PHOTOS)
def test_standins_for_photographs_can_be_learned(standins, name):
    found = standins[name]
    train, test = found.train.resized(32), found.test.resized(32)
    assert linear_accuracy(train, test, 2, epochs=15) > 0.7


@needs_real
@pytest.mark.parametrize(
    ("name", "mean", "std", "counts"),
    [
        ("mnist", [0.1307], [0.3081], (60_000, 10_000)),
        ("fashion-mnist", [0.2860], [0.3530], (60_000, 10_000)),
        ("cifar10", [0.49, 0.48, 0.45], [0.25, 0.24, 0.26], (5_000, 1_000)),
    ],
)
def test_real_images(real, name, mean, std, counts):
    found = real(name)
    assert (len(found.train), len(found.test)) == counts
    measured = found.train.mean_and_std()
    tolerance = 1e-4 if name != "cifar10" else 0.02
    assert measured[0] == pytest.approx(mean, abs=tolerance)
    assert measured[1] == pytest.approx(std, abs=tolerance)


@needs_real
def test_real_labels(real):
    assert real("mnist").train.labels[:6].tolist() == [5, 0, 4, 1, 9, 2]
    assert real("fashion-mnist").train.labels.bincount().tolist() == [6_000] * 10
    assert real("fashion-mnist").classes[int(real("fashion-mnist").train.labels[0])] == "Ankle boot"
    counts = real("cifar10").test.labels.bincount().tolist()
    assert counts == [103, 89, 100, 103, 90, 86, 112, 102, 106, 109]


@needs_real
def test_real_images_agree_with_torchvision(real, tmp_path):
    """The same bytes, read by torchvision's reader of the IDX format."""
    import gzip
    from pathlib import Path

    from torchvision.datasets.mnist import read_image_file

    packed = Path(REAL) / "mnist/MNIST/raw/t10k-images-idx3-ubyte.gz"
    (tmp_path / "images").write_bytes(gzip.decompress(packed.read_bytes()))
    expected = read_image_file(str(tmp_path / "images"))
    assert torch.equal(real("mnist").test.images[:, 0], expected)


# --- photographs ----------------------------------------------------------------------------------


def check_photos(found, size=24):
    sample = found.train[0]
    assert sample.image.dtype == torch.uint8
    assert sample.image.shape[0] == 3
    assert isinstance(sample.label, int)
    part = found.train[:6]
    small = part.resized(size)
    assert small.images.shape == (6, 3, size, size)
    assert torch.equal(small.labels, part.labels)
    with pytest.raises(ValueError, match="no target 'mask'"):
        part.resized(size, target="mask")


def check_pets(found, size=24):
    check_photos(found)
    for i in (0, len(found.test) - 1):
        image, label, trimap = found.test[i]
        assert trimap.shape == image.shape[1:]
        assert set(trimap.unique().tolist()) == {0, 1, 2}
        assert label == i // (len(found.test) - 1)
    small = found.train[:6].resized(size, target="trimap")
    assert small.labels.shape == (6, size, size)
    assert small.labels.dtype == torch.int64
    ((_, y),) = small.batches(6)
    assert y.shape == (6, size, size)


def check_streets(found):
    image, target = found.train[0]
    people = len(target["boxes"])
    assert people > 0
    assert target["masks"].shape == (people, *image.shape[1:])
    assert target["labels"].tolist() == [1] * people
    for (left, top, right, bottom), mask in zip(target["boxes"], target["masks"], strict=True):
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        assert (columns.min(), columns.max() + 1) == (left, right)
        assert (rows.min(), rows.max() + 1) == (top, bottom)
    images, targets = found.train[:4].resized(64)
    assert images.shape == (4, 3, 64, 64)
    assert targets[0]["masks"].shape == (people, 64, 64)
    scale = torch.tensor([64 / image.shape[2], 64 / image.shape[1]] * 2)
    torch.testing.assert_close(targets[0]["boxes"], target["boxes"] * scale)
    inside = targets[0]["masks"][0].nonzero().float()  # (pixels, 2): row, column
    left, top, right, bottom = targets[0]["boxes"][0]
    assert inside[:, 0].min() >= top - 1
    assert inside[:, 0].max() <= bottom
    assert inside[:, 1].min() >= left - 1
    assert inside[:, 1].max() <= right


def test_standins_for_photographs(standins):
    check_photos(standins["hymenoptera"])
    check_pets(standins["oxford-pets"])
    check_streets(standins["penn-fudan"])
    with pytest.raises(ValueError, match="no target 'trimap'"):
        standins["hymenoptera"].train.resized(8, target="trimap")


def test_standin_masks_are_exact(standins):
    """The people of a generated scene are the only difference to the empty scene's mask."""
    for street in standins["penn-fudan"].test[:3]:
        assert 1 <= len(street.target["boxes"]) <= 4
        assert street.target["masks"].sum(0).max() == 1  # nobody shares a pixel


@needs_real
def test_real_photographs(real):
    ants = real("hymenoptera")
    assert (len(ants.train), len(ants.test)) == (244, 153)
    assert ants.train.labels.bincount().tolist() == [123, 121]
    check_photos(ants)
    pets = real("oxford-pets")
    assert (len(pets.train), len(pets.test)) == (116, 104)
    check_pets(pets)
    streets = real("penn-fudan")
    assert (len(streets.train), len(streets.test)) == (45, 15)
    assert not set(streets.train.names) & set(streets.test.names)
    check_streets(streets)


@needs_real
def test_real_boxes_agree_with_the_annotations(real):
    """The official box of the first person in FudanPed00001 is (160, 182) – (302, 431), from 1."""
    streets = real("penn-fudan").train
    boxes = streets[streets.names.index("FudanPed00001")].target["boxes"]
    assert (boxes[0] - torch.tensor([159.0, 181, 302, 431])).abs().max() <= 1


def test_style_pictures(standins):
    pictures = standins["style-transfer"]
    assert pictures.content.shape == pictures.style.shape == (3, 384, 512)
    blue = pictures.style.float().mean((1, 2))
    assert blue[2] > blue[0] + 20  # the painting is blue as a whole, and not of one color
    assert pictures.style.float().std() > 30


@needs_real
def test_real_style_pictures(real):
    pictures = real("style-transfer")
    assert pictures.content.shape == (3, 768, 1024)
    assert pictures.style.shape == (3, 768, 970)
    assert pictures.content.dtype == torch.uint8


def test_number_pairs():
    pairs = dict(data.number_pairs())
    assert len(pairs) == 10_000
    assert pairs["forty-two"] == "四十二"
    assert dict(data.number_pairs("eng-fra"))["forty-two"] == "quarante-deux"
    with pytest.raises(ValueError, match="no pairs 'eng-deu'; choose one of eng-cmn, eng-fra"):
        data.number_pairs("eng-deu")


# --- scenes and tokens ----------------------------------------------------------------------------


def test_shapes_are_what_their_labels_say_and_boxes_and_masks_agree():
    images, targets = data.shape_scenes(40, size=64, seed=3)
    assert images.shape == (40, 3, 64, 64) and images.dtype == torch.uint8
    seen = set()
    for target in targets:
        boxes, masks = target["boxes"], target["masks"]
        assert 1 <= len(boxes) == len(masks) == len(target["labels"]) <= 3
        assert masks.sum(0).max() == 1
        for (left, top, right, bottom), mask, label in zip(
            boxes.int().tolist(), masks, target["labels"].tolist(), strict=True
        ):
            inside = mask[top:bottom, left:right]
            assert inside.sum() == mask.sum()
            assert inside[0].any() and inside[-1].any() and inside[:, 0].any()
            if len(boxes) == 1:  # nothing hides a part: the area tells the shape
                part = float(inside.float().mean())
                area = {"circle": 0.785, "square": 1.0, "triangle": 0.5}[data.SHAPES[label]]
                assert part == pytest.approx(area, abs=0.09)
                seen.add(label)
    assert seen == {1, 2, 3}


def test_a_seed_gives_the_same_scenes():
    (first, _), (again, _), (other, _) = (data.shape_scenes(3, seed=s) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    with pytest.raises(ValueError, match="size=8, most=3: at least one scene of 16 pixels"):
        data.shape_scenes(3, size=8)


def test_a_vocabulary():
    words = ["the", "time", "the", "machine", "the", "time"]
    known = data.Vocabulary(words, least=2, special=("<unk>", "<pad>"))
    assert known.tokens == ["<unk>", "<pad>", "the", "time"]
    assert "machine" not in known and known["machine"] == 0
    assert known.decode(known.encode(words)) == ["the", "time", "the", "<unk>", "the", "time"]
    assert known.encode([]).dtype == torch.int64
    closed = data.Vocabulary("ab", special=())
    with pytest.raises(KeyError, match="'c' is not in the vocabulary"):
        closed.encode("abc")
    with pytest.raises(ValueError, match="least=2 drops tokens"):
        data.Vocabulary("ab", least=2, special=())
    with pytest.raises(ValueError, match="named twice"):
        data.Vocabulary("ab", special=("<pad>", "<pad>"))


def test_windows_continue_each_other():
    text = torch.arange(100)
    parts = list(data.windows(text, batch_size=3, steps=4, offset=2))
    assert len(parts) == 8
    assert all(torch.equal(y, x + 1) and x.shape == (3, 4) for x, y in parts)
    rows = torch.cat([x for x, _ in parts], dim=1)
    assert torch.equal(rows[:, 1:], rows[:, :-1] + 1)
    assert rows[0, 0] == 2
    whole = list(data.windows(torch.arange(9), batch_size=2, steps=4))
    assert len(whole) == 1 and whole[0][1].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    with pytest.raises(ValueError, match="8 tokens from number 0 on do not fill 2 rows of 4"):
        next(data.windows(torch.arange(8), batch_size=2, steps=4))


def test_a_picture_that_cannot_be_decoded_is_named(tmp_path):
    from course_lib.data import sources

    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 and then nothing")
    content = (tmp_path / "a.jpg").read_bytes()
    files = sources.Files(tmp_path, {"a.jpg": sources.checksum(content)}, "here", "")
    with pytest.raises(data.DamagedFile, match="a.jpg cannot be decoded"):
        photographs.open_image(files, "a.jpg")


# --- tables ---------------------------------------------------------------------------------------


def check_german(table):
    assert table.features.shape == (1_000, 24)
    assert table.features.dtype == torch.float32
    assert table.labels.bincount().tolist() == [700, 300]
    assert len(table.feature_names) == 24
    assert table.classes == ("good", "bad")


def check_adult(found):
    assert (len(found.train), len(found.test)) == (32_561, 16_281)
    assert len(found.categorical) == 8
    assert len(found.numeric) == 6
    for frame in (found.train, found.test):
        assert list(frame.columns) == list(tables.ADULT_COLUMNS)
        assert set(frame[found.target]) == {"<=50K", ">50K"}
        assert all(frame[name].dtype.kind == "i" for name in found.numeric)
        missing = frame.columns[frame.isna().any()]
        assert list(missing) == ["workclass", "occupation", "native-country"]


def test_standins_for_tables(standins):
    check_german(standins["german-credit"])
    check_adult(standins["adult"])


def test_the_standin_for_german_credit_can_be_learned(standins):
    x, y = standins["german-credit"].features, standins["german-credit"].labels
    x = (x - x.mean(0)) / x.std(0)
    model = nn.Linear(24, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(model(x[:700])[:, 0], y[:700].float()).backward()
        optimizer.step()
    guess = (model(x[700:])[:, 0] > 0).long()
    assert float((guess == y[700:]).float().mean()) > 0.78  # always "good" gives 0.70


def test_the_standin_for_adult_can_be_learned(standins):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    found = standins["adult"]
    scaler = StandardScaler().fit(found.train[list(found.numeric)])
    x, z = (scaler.transform(f[list(found.numeric)]) for f in (found.train, found.test))
    model = LogisticRegression().fit(x, found.train["salary"])
    share = (found.test["salary"] == "<=50K").mean()
    assert model.score(z, found.test["salary"]) > share + 0.03


@needs_real
def test_real_tables(real):
    german, adult = real("german-credit"), real("adult")
    check_german(german)
    assert german.features[0, :5].tolist() == [1, 6, 4, 12, 5]
    assert german.labels[:3].tolist() == [0, 1, 0]
    check_adult(adult)
    assert (adult.train["salary"] == ">50K").sum() == 7_841
    assert (adult.test["salary"] == ">50K").sum() == 3_846
    assert adult.train.iloc[0]["education"] == "Bachelors"


@needs_real
def test_names_of_german_features_agree_with_the_documented_file(real):
    from pathlib import Path

    rows = (Path(REAL) / "german-credit/german.data").read_text().split("\n")[:1_000]
    documented = [row.split() for row in rows]
    table = real("german-credit")
    columns = {name: table.features[:, i] for i, name in enumerate(table.feature_names)}
    for name, i in (("months", 1), ("age", 12), ("dependants", 17)):
        assert columns[name].tolist() == [float(row[i]) for row in documented]
    for name, i, code in (
        ("purpose: new car", 3, "A40"),
        ("purpose: used car", 3, "A41"),
        ("no other debtor", 9, "A101"),
        ("co-applicant", 9, "A102"),
        ("rents a home", 14, "A151"),
        ("owns a home", 14, "A152"),
        ("job: skilled", 16, "A173"),
    ):
        assert columns[name].tolist() == [float(row[i] == code) for row in documented]


# --- text -----------------------------------------------------------------------------------------


def test_standins_for_text(standins):
    story = standins["time-machine"]
    assert 150_000 < len(story) < 250_000
    assert max(len(line) for line in story.text.split("\n")) <= 70
    for name in ("eng-cmn", "eng-fra"):
        pairs = standins[name]
        assert len(pairs) == 10_000
        assert len({english for english, _ in pairs}) == 10_000
        assert len({other for _, other in pairs}) == 10_000  # so it can be learned without a fault
        lengths = [len(english) for english, _ in pairs]
        assert lengths == sorted(lengths)
    with pytest.raises(ValueError, match="no pairs 'eng-deu'; choose one of eng-cmn, eng-fra"):
        data.sentence_pairs("eng-deu")


def test_number_words():
    english, chinese, french = standin_text.english, standin_text.chinese, standin_text.french
    for n, words, signs, mots in (
        (0, "zero", "零", "zéro"),
        (10, "ten", "十", "dix"),
        (21, "twenty-one", "二十一", "vingt et un"),
        (70, "seventy", "七十", "soixante-dix"),
        (71, "seventy-one", "七十一", "soixante et onze"),
        (80, "eighty", "八十", "quatre-vingts"),
        (91, "ninety-one", "九十一", "quatre-vingt-onze"),
        (100, "one hundred", "一百", "cent"),
        (110, "one hundred and ten", "一百一十", "cent dix"),
        (200, "two hundred", "二百", "deux cents"),
        (1_001, "one thousand and one", "一千零一", "mille un"),
        (2_080, "two thousand and eighty", "二千零八十", "deux mille quatre-vingts"),
        (4_300, "four thousand three hundred", "四千三百", "quatre mille trois cents"),
        (5_205, "five thousand two hundred and five", "五千二百零五", "cinq mille deux cent cinq"),
    ):
        assert (english(n), chinese(n), french(n)) == (words, signs, mots)


@needs_real
def test_real_text(real):
    story = real("time-machine")
    assert len(story) == 178_979
    assert story.text.startswith("The Time Machine, by H. G. Wells")
    chinese, french = real("eng-cmn"), real("eng-fra")
    assert (len(chinese), len(french)) == (29_155, 142_787)
    assert chinese[0] == ("Hi.", "嗨。")
    assert french[0] == ("Go.", "Va !")


def test_pairs_are_checked():
    assert text.parse_pairs("Hi.\t嗨。\tby\nGo.\t走。\tby\n", least=2) == [
        ("Hi.", "嗨。"),
        ("Go.", "走。"),
    ]
    for content in ("Hi.\n", "Hi.\t\n", "a\tb\tc\td\n"):
        with pytest.raises(data.DamagedFile, match="line 1 is no pair"):
            text.parse_pairs(content, least=1)
    with pytest.raises(data.DamagedFile, match="there are 1 pairs; expected at least 1,000"):
        text.parse_pairs("Hi.\t嗨。\n")
    with pytest.raises(data.DamagedFile, match="not UTF-8"):
        text.decode(b"\xff\xfe")
