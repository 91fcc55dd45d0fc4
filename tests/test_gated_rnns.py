"""The layers and demos of the chapter on gated recurrent networks do what the page says."""

import math

import matplotlib.pyplot as plt
import pytest
import torch
from chapter import ROOT, Chapter
from torch import nn

from course_lib import data

CONSTANTS = {"double", "W_f", "W_i", "W_c", "W_o", "W_mended", "start", "KINDS", "LAGS", "PHRASE"}


@pytest.fixture(scope="module")
def chapter():
    """The imports, functions and constants of the notebook."""
    names = {"characters": data.Vocabulary("the traveller came back")}
    Chapter(ROOT / "book/sequences/gated-rnns.md").definitions(CONSTANTS, names)
    yield names
    plt.close("all")


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def sums(x, h, p, name):
    """The weighted sums of one gate, number by number."""
    W_x, W_h, b = (p[key].tolist() for key in (f"W_x{name}", f"W_h{name}", f"b_{name}"))
    return [
        sum(a * W_x[k][j] for k, a in enumerate(x))
        + sum(a * W_h[k][j] for k, a in enumerate(h))
        + b[j]
        for j in range(len(b))
    ]


def filled(layer):
    """The layer with random numbers also in its biases, and its parameters."""
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(std=0.6)
    return layer, {name: p.detach() for name, p in layer.named_parameters()}


def test_the_lstm_is_its_formulas_number_by_number(chapter):
    layer, p = filled(chapter["LSTM"](2, 3, std=1.0))
    x = torch.randn(4, 1, 2)
    H, (H_n, C_n) = layer(x)
    h, c, by_step = [0.0] * 3, [0.0] * 3, (torch.zeros(1, 3), torch.zeros(1, 3))
    for t in range(4):
        f, i, o = ([sigmoid(v) for v in sums(x[t, 0].tolist(), h, p, g)] for g in "fio")
        new = [math.tanh(v) for v in sums(x[t, 0].tolist(), h, p, "c")]
        c = [f[j] * c[j] + i[j] * new[j] for j in range(3)]
        h = [o[j] * math.tanh(c[j]) for j in range(3)]
        *by_step, gates = chapter["lstm_step"](x[t], *by_step, p)
        assert H[t, 0].tolist() == pytest.approx(h, abs=1e-6)
        assert by_step[0][0].tolist() == pytest.approx(h, abs=1e-6)
        for name, values in (("f", f), ("i", i), ("o", o)):
            assert gates[name][0].tolist() == pytest.approx(values, abs=1e-6)
    assert C_n[0].tolist() == pytest.approx(c, abs=1e-6) and torch.equal(H_n, H[-1])


def test_the_state_of_an_lstm_is_carried(chapter):
    layer, _ = filled(chapter["LSTM"](2, 3, std=1.0))
    x = torch.randn(6, 5, 2)
    whole, _ = layer(x)
    first, state = layer(x[:2])
    second, _ = layer(x[2:], state)
    torch.testing.assert_close(torch.cat((first, second)), whole)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("new", [False, True])
def test_the_gru_is_its_formulas_number_by_number(chapter, after, new):
    layer, p = filled(chapter["GRU"](2, 3, 1.0, reset_after=after, z_is_new=new))
    x, h = torch.randn(4, 1, 2), [0.0] * 3
    H, _ = layer(x)
    W = p["W_hh"].tolist()
    for t in range(4):
        r, z = ([sigmoid(v) for v in sums(x[t, 0].tolist(), h, p, g)] for g in "rz")
        given = sums(x[t, 0].tolist(), [0.0] * 3, p, "h")
        if after:
            seen = [r[j] * sum(h[k] * W[k][j] for k in range(3)) for j in range(3)]
        else:
            seen = [sum(r[k] * h[k] * W[k][j] for k in range(3)) for j in range(3)]
        candidate = [math.tanh(given[j] + seen[j]) for j in range(3)]
        old = [1 - v for v in z] if new else z
        h = [old[j] * h[j] + (1 - old[j]) * candidate[j] for j in range(3)]
        assert H[t, 0].tolist() == pytest.approx(h, abs=1e-6)


def test_two_layers_are_those_of_the_library(chapter):
    ours = chapter["Deep"](chapter["LSTM"](5, 4, 0.5), chapter["LSTM"](4, 4, 0.5))
    library = nn.LSTM(5, 4, 2)
    with torch.no_grad():
        for number, layer in enumerate(ours.layers):
            filled(layer)
            single = chapter["to_library"](layer, nn.LSTM(layer.W_xi.shape[0], 4))
            for name, value in single.state_dict().items():
                getattr(library, name.replace("_l0", f"_l{number}")).copy_(value)
    x = torch.randn(7, 3, 5)
    H, states = ours(x)
    library_H, (h_n, c_n) = library(x)
    torch.testing.assert_close(H, library_H, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.stack([s[1] for s in states]), c_n, atol=1e-5, rtol=0)
    again, _ = ours(x, states)
    torch.testing.assert_close(again, library(x, (h_n, c_n))[0], atol=1e-5, rtol=0)


def test_the_weights_of_the_library_come_into_our_layer(chapter):
    library = nn.LSTM(5, 4)
    x = torch.randn(7, 3, 5)
    ours = chapter["from_library"](library)
    torch.testing.assert_close(ours(x)[0], library(x)[0], atol=1e-6, rtol=0)


def test_a_state_is_detached_wherever_its_tensors_are(chapter):
    leaf = torch.ones(2, requires_grad=True)
    state = [(leaf * 1, leaf * 2), (leaf * 3, leaf * 4)]
    free = chapter["detached"](state)
    assert [type(part) for part in free] == [tuple, tuple]
    assert all(not t.requires_grad for pair in free for t in pair)
    assert all(t.requires_grad for pair in state for t in pair)
    assert free[1][1].tolist() == [4, 4]
    assert chapter["detached"](None) is None


def test_the_symbol_comes_first_and_then_noise(chapter):
    x, symbol = chapter["lag_batch"](50, 7, torch.Generator().manual_seed(0))
    assert x.shape == (50, 8, 6) and set(symbol.tolist()) == {0, 1, 2, 3}
    assert torch.equal(x[:, 0, 2:].argmax(1), symbol) and (x[:, 0, 2:].sum(1) == 1).all()
    assert (x[:, 1:, 2:] == 0).all() and 0.4 < x[:, 1:, :2].std() < 0.6


@pytest.mark.parametrize("kind, bias", [("LSTM, forget bias 0", 0), ("LSTM, forget bias 4", 4)])
def test_the_forget_bias_is_set(chapter, kind, bias):
    layer = chapter["layer_for"](kind)
    assert ((layer.bias_ih_l0 + layer.bias_hh_l0)[32:64] == bias).all()
    assert (layer.bias_ih_l0 + layer.bias_hh_l0)[:32].abs().max() < 1


def test_the_frames_of_the_lag_demo_show_the_mean_accuracy(chapter):
    generator = torch.Generator().manual_seed(0)
    keys = [(kind, lag) for kind in chapter["KINDS"] for lag in chapter["LAGS"]]
    chapter["curves"] = {key: torch.rand(3, 4, generator=generator) for key in keys}
    for lag in chapter["LAGS"]:
        lines = chapter["draw_lag"](lag).axes[0].lines
        for kind, line in zip(chapter["KINDS"], lines, strict=False):
            expected = 100 * chapter["curves"][kind, lag].mean(0)
            assert list(line.get_ydata()) == pytest.approx(expected.tolist())
            assert list(line.get_xdata()) == [25, 50, 75, 100]


@pytest.mark.parametrize("b_f", [-4.0, 0.0, 4.0])
@pytest.mark.parametrize("b_i", [0.0, 4.0])
def test_every_frame_of_the_stepper_follows_from_the_matrices(chapter, b_f, b_i):
    rows = {name: chapter[f"W_{name}"].tolist() for name in "fic"}
    rows["o"] = chapter["W_mended"].tolist()
    assert rows["o"][3][1] == 0.068 and chapter["W_o"][3, 1] == -1.268
    h, c = [1.0] * 4, [1.0] * 4
    for t in (1, 2, 3):
        joined = [*h, t, t]
        total = {
            g: [sum(map(math.prod, zip(row, joined, strict=True))) for row in rows[g]] for g in rows
        }
        f = [sigmoid(v + b_f) for v in total["f"]]
        i = [sigmoid(v + b_i) for v in total["i"]]
        o = [sigmoid(v) for v in total["o"]]
        written = [i[j] * math.tanh(total["c"][j]) for j in range(4)]
        kept = [f[j] * c[j] for j in range(4)]
        c = [a + b for a, b in zip(kept, written, strict=True)]
        h = [o[j] * math.tanh(c[j]) for j in range(4)]
        top, middle, bottom = chapter["draw_stepper"](t, b_f, b_i).axes
        heights = [[bar.get_height() for bar in group] for group in top.containers]
        assert heights == [pytest.approx(v) for v in (f, i, o)]
        heights = [[bar.get_height() for bar in group] for group in middle.containers]
        assert heights == [pytest.approx(v) for v in (kept, written)]
        assert list(middle.lines[0].get_ydata()) == pytest.approx(c)
        assert [bar.get_height() for bar in bottom.containers[0]] == pytest.approx(h)
        plt.close("all")
        low, high = middle.get_ylim()
        assert low <= min(*kept, *written, *c) and max(*kept, *written, *c) <= high


def test_the_frames_of_the_gate_demo_are_what_the_layer_computes(chapter):
    characters, PHRASE = chapter["characters"], chapter["PHRASE"]
    layer, _ = filled(chapter["LSTM"](len(characters), 6, std=1.0))
    model = chapter["LanguageModel"](layer, 6, len(characters))
    ids = characters.encode(PHRASE)
    record = chapter["read_gates"](model, ids)
    chapter |= {"units": {"one": 2, "two": 5}, "phrase_gates": record}
    x = nn.functional.one_hot(ids, len(characters)).float()[:, None]
    for read in (1, 9, 22):
        C = layer(x[:read])[1][1].detach()
        assert record["C"][read - 1].tolist() == pytest.approx(C[0].tolist(), abs=1e-5)
        top, bottom = chapter["draw_gates"]("two", read).axes
        for line, gate in zip(top.lines, "fio", strict=True):
            assert len(line.get_ydata()) == read
            assert line.get_ydata()[-1] == pytest.approx(float(record[gate][read - 1, 5]))
        bars = bottom.containers[0]
        assert len(bars) == read and bars[-1].get_height() == pytest.approx(
            float(C[0, 5]), abs=1e-5
        )


def test_the_solutions(chapter):
    """A cell that counts ones, and a bias for a lag."""
    layer = chapter["LSTM"](1, 1, std=0.0)
    with torch.no_grad():
        layer.b_f.fill_(20)
        layer.W_xi.fill_(40)
        layer.b_i.fill_(-20)
        layer.b_c.fill_(20)
    ones = torch.tensor([1.0, 0, 1, 1, 0, 0, 1])
    _, (_, C) = layer(ones[:, None, None])
    assert C.item() == pytest.approx(4, abs=1e-5)
    f = 0.5 ** (1 / 100)
    assert f == pytest.approx(0.9931, abs=5e-5)
    assert math.log(f / (1 - f)) == pytest.approx(4.97, abs=0.005)
    assert math.log(100) == pytest.approx(4.61, abs=0.005)
    assert sigmoid(math.log(100)) ** 100 == pytest.approx(0.37, abs=0.005)
