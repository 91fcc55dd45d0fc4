"""The functions and demos of the chapter on sequence to sequence do what the page says."""

import itertools
import math
import random

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter

from course_lib import runtime

CONSTANTS = {"SPECIAL", "UNK", "PAD", "BOS", "EOS", "NUMBER_STEPS", "count", "learn"}
CONSTANTS |= {"number_words", "LISTS", "maps", "SOUNDS", "LANGUAGE", "MARKS"}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions, classes and constants of the notebook."""
    names = {"run": runtime.start("smoke")}
    Chapter(ROOT / "book/sequences/sequence-to-sequence.md").definitions(CONSTANTS, names)
    yield names
    plt.close("all")


@pytest.fixture
def model(chapter):
    """A small untrained translator with attention, in double precision."""
    torch.manual_seed(4)
    decoder = chapter["AttentionDecoder"](9, 6, 8, chapter["AdditiveScore"](8))
    model = chapter["Translator"](chapter["Encoder"](12, 6, 8), decoder).double()
    with torch.no_grad():
        model.decoder.out.weight.mul_(6)  # so that tokens differ in probability
    return model.eval()


def slow_precision(predicted, labels, n):
    """Matches one by one: each n-gram of the prediction takes one away from the best label."""
    own = [tuple(predicted[i : i + n]) for i in range(len(predicted) - n + 1)]
    matched = 0
    for gram in set(own):
        most = 0
        for label in labels:
            there = sum(tuple(label[i : i + n]) == gram for i in range(len(label) - n + 1))
            most = max(most, there)
        matched += min(own.count(gram), most)
    return matched, len(own)


def test_english_is_prepared_and_chinese_is_split_into_characters(chapter):
    assert chapter["english_tokens"]("I\u202fcan't.\xa0Forty-two!") == [
        *("i", "can't", ".", "forty", "-", "two", "!"),
    ]
    assert chapter["chinese_tokens"](" 你好 吗？") == ["你", "好", "吗", "？"]


def test_a_sentence_that_is_cut_also_ends(chapter):
    words = chapter["number_words"][0]
    numbers, length = chapter["pad"]([["one"] * 9, [], ["two"]], words, steps=3)
    one, two = words["one"], words["two"]
    end, pad = chapter["EOS"], chapter["PAD"]
    assert numbers.tolist() == [[one, one, end], [end, pad, pad], [two, end, pad]]
    assert length.tolist() == [3, 1, 2]


def test_an_epoch_has_every_pair_once_without_needless_padding(chapter):
    pairs = chapter["to_pairs"](chapter["learn"][:50], chapter["number_words"], (22, 19))
    found = []
    for batch in chapter["batches"](pairs, 8, torch.Generator().manual_seed(0)):
        assert batch.source.shape[1] == batch.source_length.max()
        assert batch.target.shape[1] == batch.target_length.max()
        assert ((batch.source != chapter["PAD"]).sum(1) == batch.source_length).all()
        found += [row[: n - 1].tolist() for row, n in zip(*batch[:2], strict=True)]
    expected = [row[: n - 1].tolist() for row, n in zip(*pairs[:2], strict=True)]
    assert sorted(found) == sorted(expected)


def test_bleu_agrees_with_a_slow_count(chapter):
    rng = random.Random(0)
    for _ in range(200):
        predicted = rng.choices("abcd", k=rng.randint(2, 9))
        label = rng.choices("abcd", k=rng.randint(2, 9))
        expected = math.exp(min(0, 1 - len(label) / len(predicted)))
        for n in (1, 2):
            matched, count = slow_precision(predicted, [label], n)
            expected *= (matched / count) ** (1 / 2**n)
        assert chapter["bleu"](predicted, label, k=2) == pytest.approx(expected)


def test_the_original_bleu_sums_over_the_test_set_and_knows_several_labels(chapter):
    rng = random.Random(1)
    predictions = [rng.choices("abc", k=rng.randint(5, 9)) for _ in range(6)]
    labels = [[rng.choices("abc", k=rng.randint(5, 9)) for _ in range(2)] for _ in range(6)]
    product, length, closest = 1.0, sum(map(len, predictions)), 0
    for n in range(1, 5):
        counts = [slow_precision(p, many, n) for p, many in zip(predictions, labels, strict=True)]
        product *= sum(m for m, _ in counts) / sum(c for _, c in counts)
    for p, many in zip(predictions, labels, strict=True):
        lengths = sorted(len(label) for label in many)
        closest += min(lengths, key=lambda n: abs(n - len(p)))
    penalty = 1 if length > closest else math.exp(1 - closest / length)
    found = chapter["corpus_bleu"](predictions, labels)
    assert found == pytest.approx(penalty * product**0.25)
    assert chapter["corpus_bleu"]([["a"] * 4], [[["b"] * 4]]) == 0


def test_the_example_of_the_bleu_paper(chapter):
    labels = [s.split() for s in ("the cat is on the mat", "there is a cat on the mat")]
    assert chapter["matches"](["the"] * 7, labels, 1) == (2, 7)


def test_words_in_the_same_company_get_the_same_vector(chapter):
    torch.manual_seed(0)
    rows = [f"the {animal} eats {food} now".split() for animal in ("cat", "dog")
            for food in ("fish", "meat", "bread")]  # fmt: skip
    rows += [["two", "and", "two"]] * 3
    words = chapter["data"].Vocabulary(t for row in rows for t in row)
    vectors = chapter["word_vectors"](rows, words, width=6)
    cosine = torch.nn.functional.cosine_similarity
    assert float(cosine(vectors[words["cat"]], vectors[words["dog"]], dim=0)) > 0.99
    assert float(cosine(vectors[words["cat"]], vectors[words["two"]], dim=0)) < 0.1


def test_neither_padding_nor_what_stands_there_changes_a_translation(chapter, model):
    source = torch.tensor([[4, 5, 6, 3, 1, 1], [7, 8, 9, 10, 11, 3]])
    length = torch.tensor([4, 6])
    tokens = torch.tensor([[2, 4, 5]])
    alone = model(source[:1, :4], length[:1], tokens)
    together = model(source, length, tokens.expand(2, -1))
    torch.testing.assert_close(together[:1], alone)
    assert (model.decoder.alpha[0, :, 4:] == 0).all()
    torch.testing.assert_close(model.decoder.alpha.sum(2), torch.ones(2, 3).double())


def test_greedy_translations_end_with_padding(chapter, model):
    source = torch.randint(4, 12, (20, 5), generator=torch.Generator().manual_seed(0))
    written = chapter["translate"](model, source, torch.full((20,), 5), steps=12)
    assert written.shape == (20, 12)
    ended = 0
    for row in written.tolist():
        if chapter["EOS"] in row:
            at = row.index(chapter["EOS"])
            ended += at < 11
            assert row[at + 1 :] == [chapter["PAD"]] * (11 - at)
    assert ended


@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_beam_of_tensors_keeps_the_paths_of_the_simple_search(chapter, model, width):
    source = torch.randint(4, 12, (4, 5), generator=torch.Generator().manual_seed(1))
    length = torch.full((4,), 5)
    paths, values = chapter["beam_translate"](model, source, length, 6, width)
    for i in range(4):
        memory = model.encoder(source[i : i + 1], length[:1])

        def log_probs(path, memory=memory):
            inputs = torch.tensor([[chapter["BOS"], *path]])
            logits, _ = model.decoder(inputs, memory.last[None], memory)
            return logits[0, -1].log_softmax(0).tolist()

        best, value, _ = chapter["search"](log_probs, width, 6, end=chapter["EOS"])
        found = [token for token in paths[i, 0].tolist() if token != chapter["PAD"]]
        assert found[: len(best)] == list(best)
        assert float(values[i, 0]) == pytest.approx(value)


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_without_limit_is_an_exhaustive_search(chapter, seed):
    language = chapter["toy_language"](seed)
    best = -math.inf
    for path in itertools.product(range(4), repeat=4):
        if 0 in path:  # nothing is written behind the end
            path = path[: path.index(0) + 1]
        best = max(best, sum(language(path[:i])[token] for i, token in enumerate(path)))
    assert chapter["search"](language, 10**6, 4)[1] == pytest.approx(best)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("level", [1, 4])
def test_every_frame_of_the_tree_shows_the_search(chapter, width, level):
    ax = chapter["draw_tree"](width, level).axes[0]
    levels = chapter["search"](chapter["LANGUAGE"], width, 4)[2][:level]
    kept = {
        (len(path), round(-score, 6)) for candidates in levels for path, score in candidates[:width]
    }
    nodes = [line for line in ax.lines if str(line.get_marker()).startswith("$")]
    drawn = {
        (int(node.get_xdata()[0]), round(float(node.get_ydata()[0]), 6))
        for node in nodes
        if node.get_color() != "#B8B8B8"
    }
    assert drawn == kept
    assert len(nodes) == len({path for candidates in levels for path, _ in candidates})
    dotted = next(line for line in ax.lines if line.get_linestyle() == ":")
    best = chapter["search"](chapter["LANGUAGE"], 10**6, 4)[1]
    assert float(dotted.get_ydata()[0]) == pytest.approx(-best)


def test_the_alignment_demo_shows_the_weights_that_were_kept(chapter):
    torch.manual_seed(0)
    sizes = [(len(words), 8, 8) for words in chapter["number_words"]]
    decoder = chapter["AttentionDecoder"](*sizes[1], chapter["DotScore"]())
    chapter["keep_maps"](0, chapter["Translator"](chapter["Encoder"](*sizes[0]), decoder))
    for sentence in (1, 2, 3):
        weights = chapter["maps"][0, sentence - 1]
        torch.testing.assert_close(weights.sum(1), torch.ones(len(weights)))
        ax = chapter["draw_alignment"](sentence, 0).axes[0]
        assert torch.equal(torch.tensor(ax.images[0].get_array()).float(), weights)
        assert len(ax.get_xticklabels()) == weights.shape[1]
        assert len(ax.get_yticklabels()) == weights.shape[0]
