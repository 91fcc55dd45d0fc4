"""Answers to the assignment on LSTM and GRU.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

from classroom import changed

BY_HAND = """
def by_hand(W, b, x, h, C):
    m, rows = len(h), []
    for x_t in x:
        gates = {}
        for name in "fioc":
            inner = W[name][:, :m] @ h + W[name][:, m:] @ x_t + b[name]
            gates[name] = torch.tanh(inner) if name == "c" else 1 / (1 + torch.exp(-inner))
        C = gates["f"] * C + gates["i"] * gates["c"]
        h = gates["o"] * C.tanh()
        rows.append((C, h, h.sum().tanh()))
    cells, states, outputs = (torch.stack(column) for column in zip(*rows))
    return cells, states, outputs
"""

MISPRINT = """

def misprint(W, joined, stated):
    sums = torch.log(stated / (1 - stated))
    gaps = sums - W @ joined
    row = gaps.abs().argmax().item()
    needed = []
    for k in range(len(joined)):
        if joined[k] == 0:
            needed.append(float("nan"))
        else:
            rest = sum(W[row, j] * joined[j] for j in range(len(joined)) if j != k)
            needed.append(((sums[row] - rest) / joined[k]).item())
    return row, torch.tensor(needed, dtype=W.dtype)
"""

LSTM = """
def lstm(X, layers, state=None):
    m = layers[0][1].shape[1]
    last_h, last_c = [], []
    for number, (W_ih, W_hh, b_ih, b_hh) in enumerate(layers):
        if state is None:
            h = c = torch.zeros(X.shape[1], m, dtype=X.dtype)
        else:
            h, c = state[0][number], state[1][number]
        outputs = []
        for x in X:
            z = F.linear(x, W_ih, b_ih) + F.linear(h, W_hh, b_hh)
            i, f, g, o = z[:, :m], z[:, m : 2 * m], z[:, 2 * m : 3 * m], z[:, 3 * m :]
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        X = torch.stack(outputs)
        last_h.append(h)
        last_c.append(c)
    return X, (torch.stack(last_h), torch.stack(last_c))
"""

GRU = """
def gru(X, p, H=None, reset="before"):
    if reset not in {"before", "after"}:
        raise ValueError(reset)
    m = p["W_hr"].shape[0]
    H = torch.zeros(X.shape[1], m, dtype=X.dtype) if H is None else H
    states = torch.empty(0, X.shape[1], m, dtype=X.dtype)
    for x in X:
        r, z = ((x @ p["W_x" + k] + H @ p["W_h" + k] + p["b_" + k]).sigmoid() for k in "rz")
        if reset == "before":
            inner = (r * H) @ p["W_hh"]
        else:
            inner = r * (H @ p["W_hh"] + p["b_hh"])
        candidate = (x @ p["W_xh"] + inner + p["b_h"]).tanh()
        H = torch.lerp(candidate, H, z)
        states = torch.cat((states, H[None]))
    return states, H
"""

TO_TORCH = """

def to_torch(kernel, recurrent, bias, z_is_new=False):
    m = recurrent.shape[0]
    sign = -1 if z_is_new else 1
    layer = nn.GRU(kernel.shape[0], m).to(kernel.dtype)
    order = torch.cat((torch.arange(m, 2 * m), torch.arange(m), torch.arange(2 * m, 3 * m)))
    signs = torch.ones(3 * m, dtype=kernel.dtype)
    signs[m : 2 * m] = sign
    layer.load_state_dict({
        "weight_ih_l0": (kernel[:, order] * signs).T,
        "weight_hh_l0": (recurrent[:, order] * signs).T,
        "bias_ih_l0": bias[0, order] * signs,
        "bias_hh_l0": bias[1, order] * signs,
    })
    return layer
"""

LEFT = """
def left(f):
    end = torch.ones(1, f.shape[1], dtype=f.dtype)
    return torch.cat((f, end)).flip(0).cumprod(0).flip(0)
"""

OPEN = """

def open_gates(layer, lag):
    if type(layer) not in (nn.LSTM, nn.GRU):
        raise TypeError(type(layer))
    f = 0.5 ** (1 / lag)
    value, m = math.log(f / (1 - f)), layer.hidden_size
    for number in range(layer.num_layers):
        for end in ("", "_reverse") if layer.bidirectional else ("",):
            for kind in ("ih", "hh"):
                bias = getattr(layer, f"bias_{kind}_l{number}{end}")
                bias.data[m : 2 * m] = value / 2
"""

BOTH = """
def both(X, lengths, forward, backward):
    def reverse(T):
        turned = T.clone()
        for j, n in enumerate(lengths):
            turned[:n, j] = T[:n, j].flip(0)
        return turned

    mask = torch.arange(len(X))[:, None] < torch.tensor(lengths)
    X = torch.where(mask[..., None], X, 0.0)
    states = torch.cat((forward(X)[0], reverse(backward(reverse(X))[0])), dim=-1)
    return states * mask[..., None]
"""

PEEKS = """

def peeks(model, X):
    X = X.clone().requires_grad_()
    scores = model(X)
    for t in range(len(X) - 1):
        (g,) = torch.autograd.grad(scores[t].sin().sum(), X, retain_graph=True)
        if (g[t + 1:] != 0).any():
            return True
    return False
"""

DETACHED = """
def detached(state):
    if state is None:
        return None
    if isinstance(state, list):
        return [detached(part) for part in state]
    if isinstance(state, tuple):
        return tuple(detached(part) for part in state)
    return state.detach()
"""

LEARN = """

def learn(model, windows, optimizer, clip, state=None):
    losses = []
    state = detached(state)
    for x, y in windows:
        optimizer.zero_grad()
        scores, state = model(x, state)
        loss = F.cross_entropy(scores.transpose(1, 2), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=clip)
        optimizer.step()
        losses.append(loss.item())
        state = detached(state)
    return losses, state
"""

PERPLEXITY = """

@torch.no_grad()
def perplexity(model, windows):
    state, losses = None, []
    for x, y in windows:
        scores, state = model(x, state)
        losses.append(F.cross_entropy(scores.transpose(1, 2), y, reduction="none").flatten())
    return torch.cat(losses).mean().exp().item()
"""

MEASURED = """
accuracy = {}
for kind in KINDS:
    accuracy[kind] = tuple(sum(race(kind, n, False, s) for s in (0, 1)) / 2 for n in (0, 10))


def ratio(kind, seed):
    layer, out = network(kind, seed)
    x = pictures(64, 10, 0)[0]
    x.requires_grad = True
    layer(x)[1][0].sum().backward() if "LSTM" in kind else layer(x)[1].sum().backward()
    sizes = x.grad.square().sum(dim=(0, 2)).sqrt()
    return (sizes[0] / sizes[-1]).item()


reach = {kind: math.prod(ratio(kind, seed) for seed in range(5)) ** 0.2 for kind in KINDS}
"""

STATEMENTS = """
statements = {
    "size": True, "long_memory": False, "guessing": True, "opens": True, "always": False,
    "upwards": True, "fades": False, "order": False,
}
"""

CORRECT = {
    "task-1": {
        "blocks-and-loops": BY_HAND + MISPRINT,
        "one-matrix": """
def by_hand(W, b, x, h, C):
    stacked, bias = torch.cat([W[k] for k in "fico"]), torch.cat([b[k] for k in "fico"])
    cells, states = [], []
    for x_t in x:
        f, i, c, o = (stacked @ torch.hstack((h, x_t)) + bias).split(len(h))
        C = F.sigmoid(f) * C + F.sigmoid(i) * F.tanh(c)
        h = F.sigmoid(o) * F.tanh(C)
        cells += [C]
        states += [h]
    V = torch.ones(2, len(h), dtype=h.dtype)
    return torch.stack(cells), torch.stack(states), torch.stack([(V @ h).tanh()[0] for h in states])


def misprint(W, joined, stated):
    missing = torch.logit(stated) - W @ joined
    row = int(torch.argmax(missing.abs()))
    needed = W[row] + missing[row] / joined
    needed[joined == 0] = math.nan
    return row, needed
""",
    },
    "task-2": {
        "slices": LSTM,
        "a-step-after-the-other": """
def step(x, h, c, weights):
    W_ih, W_hh, b_ih, b_hh = weights
    i, f, g, o = torch.tensor_split(x @ W_ih.T + h @ W_hh.T + (b_ih + b_hh), 4, dim=-1)
    c = c * f.sigmoid() + g.tanh() * i.sigmoid()
    return o.sigmoid() * c.tanh(), c


def lstm(X, layers, state=None):
    if state is None:
        zeros = torch.zeros(len(layers), X.shape[1], layers[0][1].shape[1]).to(X)
        state = zeros, zeros
    h, c = list(state[0]), list(state[1])
    output = []
    for x in X:
        for k, weights in enumerate(layers):
            h[k], c[k] = step(x, h[k], c[k], weights)
            x = h[k]
        output.append(x)
    return torch.stack(output), (torch.stack(h), torch.stack(c))
""",
    },
    "task-3": {
        "lerp-and-state-dict": GRU + TO_TORCH,
        "chapters-way": """
def gru(X, p, H=None, reset="before"):
    assert_known = {"before": False, "after": True}
    if reset not in assert_known:
        raise ValueError("reset is 'before' or 'after'")
    reset_after = assert_known[reset]
    m = p["b_r"].numel()
    H = X.new_zeros(X.shape[1], m) if H is None else H
    W_hrz, states = torch.cat((p["W_hr"], p["W_hz"]), dim=1), []
    W_x = torch.cat([p["W_x" + k] for k in "rzh"], dim=1)
    for given in X @ W_x + torch.cat([p["b_" + k] for k in "rzh"]):
        given_rz, given_h = given.split((2 * m, m), dim=1)
        R, Z = torch.sigmoid(given_rz + H @ W_hrz).chunk(2, dim=1)
        seen = R * (H @ p["W_hh"] + p["b_hh"]) if reset_after else (R * H) @ p["W_hh"]
        H = Z * H + (1 - Z) * torch.tanh(given_h + seen)
        states.append(H)
    return torch.stack(states), H


def to_torch(kernel, recurrent, bias, z_is_new=False):
    d, m = len(kernel), len(recurrent)
    layer = nn.GRU(d, m, dtype=kernel.dtype)
    z, r, h = slice(0, m), slice(m, 2 * m), slice(2 * m, 3 * m)
    sign = 1 - 2 * z_is_new
    for target, source in ((layer.weight_ih_l0, kernel.T), (layer.weight_hh_l0, recurrent.T),
                           (layer.bias_ih_l0, bias[0]), (layer.bias_hh_l0, bias[1])):
        target.data = torch.cat([source[r], sign * source[z], source[h]])
    return layer
""",
    },
    "task-4": {
        "cumulative-product": LEFT + OPEN,
        "products-of-slices": """
def left(f):
    return torch.stack([f[t:].prod(dim=0) for t in range(len(f) + 1)])


@torch.no_grad()
def open_gates(layer, lag):
    if not isinstance(layer, (nn.LSTM, nn.GRU)):
        raise TypeError("no gate keeps the state here")
    wanted = torch.logit(torch.tensor(0.5, dtype=torch.float64) ** (1 / lag)).item()
    blocks = 4 if isinstance(layer, nn.LSTM) else 3
    names = [name for name, _ in layer.named_parameters() if "bias_hh" in name]
    for name in names:
        own, other = getattr(layer, name), getattr(layer, name.replace("hh", "ih"))
        own.chunk(blocks)[1].copy_(wanted - other.chunk(blocks)[1])
""",
    },
    "task-5": {
        "turned-and-masked": BOTH + PEEKS,
        "packed": """
def both(X, lengths, forward, backward):
    rnn = nn.utils.rnn

    def run(layer, sequences):
        packed = rnn.pack_sequence(sequences, enforce_sorted=False)
        padded = rnn.pad_packed_sequence(layer(packed)[0])[0]
        return rnn.unpad_sequence(padded, torch.tensor(lengths))

    sequences = [X[:n, j] for j, n in enumerate(lengths)]
    there = run(forward, sequences)
    back = run(backward, [s.flip(0) for s in sequences])
    rows = [torch.cat((a, b.flip(0)), dim=1) for a, b in zip(there, back)]
    found = X.new_zeros(len(X), len(lengths), rows[0].shape[1])
    for j, row in enumerate(rows):
        found[: len(row), j] = row
    return found


def peeks(model, X):
    torch.manual_seed(0)
    with torch.no_grad():
        for t in range(len(X) - 1):
            other = torch.cat((X[: t + 1], torch.randn_like(X[t + 1 :])))
            if not torch.equal(model(X)[: t + 1], model(other)[: t + 1]):
                return True
    return False
""",
    },
    "task-6": {
        "types-one-by-one": DETACHED + LEARN + PERPLEXITY,
        "weighted-means": """
def detached(state):
    match state:
        case None:
            return None
        case list() | tuple():
            return type(state)(map(detached, state))
    return state.detach().clone()


def learn(model, windows, optimizer, clip, state=None):
    found = []
    for x, y in windows:
        scores, state = model(x, detached(state))
        loss = F.cross_entropy(scores.flatten(0, 1), y.flatten())
        for p in model.parameters():
            p.grad = None
        loss.backward()
        norm = math.sqrt(sum(p.grad.square().sum().item() for p in model.parameters()))
        for p in model.parameters():
            p.grad *= min(1, clip / norm)
        optimizer.step()
        found.append(float(loss.detach()))
    return found, detached(state)


def perplexity(model, windows):
    state, mean, count = None, 0.0, 0
    for x, y in windows:
        scores, state = model(x, state)
        state = detached(state)
        loss = F.cross_entropy(scores.flatten(0, 1), y.flatten()).item()
        count += y.numel()
        mean += (loss - mean) * y.numel() / count
    return math.exp(mean)
""",
    },
    "task-7": {
        "measured-in-another-way": MEASURED + STATEMENTS,
        "typed": """
accuracy = {
    "RNN": (0.845, 0.441),
    "LSTM": (0.731, 0.265),
    "open LSTM": (0.663, 0.482),
    "GRU": (0.75, 0.285),
}
reach = {"RNN": 4.97e-5, "LSTM": 1.478e-3, "open LSTM": 0.871, "GRU": 8.67e-4}
"""
        + STATEMENTS,
    },
}

WRONG = {
    "task-1": {
        "input-before-state": changed(
            BY_HAND,
            (
                "W[name][:, :m] @ h + W[name][:, m:] @ x_t",
                "W[name][:, -m:] @ h + W[name][:, :-m] @ x_t",
            ),
        )
        + MISPRINT,
        "state-without-tanh": changed(BY_HAND, ('gates["o"] * C.tanh()', 'gates["o"] * C'))
        + MISPRINT,
        "no-biases": changed(BY_HAND, (" + b[name]", "")) + MISPRINT,
        "all-columns-multiply-1": BY_HAND + changed(MISPRINT, (" / joined[k]).item()", ").item()")),
        "sigmoid-not-undone": BY_HAND
        + changed(MISPRINT, ("torch.log(stated / (1 - stated))", "stated")),
    },
    "task-2": {
        "order-of-the-formulas": changed(LSTM, ("i, f, g, o = z", "f, i, g, o = z")),
        "one-bias": changed(LSTM, ("F.linear(h, W_hh, b_hh)", "F.linear(h, W_hh)")),
        "last-layer-only": changed(
            LSTM, ("(torch.stack(last_h), torch.stack(last_c))", "(h[None], c[None])")
        ),
        "state-handed-up": changed(
            LSTM,
            (
                "        if state is None:\n",
                "        if number:\n            pass\n        elif state is None:\n",
            ),
        ),
        "library": """
def lstm(X, layers, state=None):
    library = nn.LSTM(X.shape[2], layers[0][1].shape[1], len(layers), dtype=X.dtype)
    for p, value in zip(library.parameters(), [w for layer in layers for w in layer]):
        p.data = value.detach().clone()
    return library(X, state)
""",
    },
    "task-3": {
        "z-of-the-prose": changed(
            GRU, ("torch.lerp(candidate, H, z)", "torch.lerp(H, candidate, z)")
        )
        + TO_TORCH,
        "inner-bias-outside": changed(
            GRU, ('r * (H @ p["W_hh"] + p["b_hh"])', 'r * (H @ p["W_hh"]) + p["b_hh"]')
        )
        + TO_TORCH,
        "blocks-not-reordered": GRU
        + changed(
            TO_TORCH,
            (
                "order = torch.cat((torch.arange(m, 2 * m), torch.arange(m), ",
                "order = torch.cat((torch.arange(2 * m), ",
            ),
        ),
        "biases-keep-their-sign": GRU
        + changed(
            TO_TORCH,
            ("bias[0, order] * signs", "bias[0, order]"),
            ("bias[1, order] * signs", "bias[1, order]"),
        ),
        "reset-gate-forgets": changed(
            GRU, ("inner = (r * H) @", "H = r * H\n            inner = H @")
        )
        + TO_TORCH,
    },
    "task-4": {
        "from-the-start": changed(
            LEFT,
            ("torch.cat((f, end)).flip(0).cumprod(0).flip(0)", "torch.cat((end, f)).cumprod(0)"),
        )
        + OPEN,
        "division": """
def left(f):
    kept = torch.cat((torch.ones_like(f[:1]), f)).cumprod(0)
    return kept[-1] / kept
"""
        + OPEN,
        "both-biases-in-full": LEFT + changed(OPEN, ("value / 2", "value")),
        "first-layer-only": LEFT + changed(OPEN, ("range(layer.num_layers)", "range(1)")),
        "input-gate": LEFT + changed(OPEN, ("bias.data[m : 2 * m]", "bias.data[:m]")),
    },
    "task-5": {
        "backward-not-turned-back": changed(
            BOTH, ("reverse(backward(reverse(X))[0])", "backward(reverse(X))[0]")
        )
        + PEEKS,
        "padding-read-first": changed(
            BOTH, ("turned[:n, j] = T[:n, j].flip(0)", "turned = T.flip(0)")
        )
        + PEEKS,
        "padding-left-in-the-result": changed(
            BOTH, ("return states * mask[..., None]", "return states")
        )
        + PEEKS,
        "last-input-first-score": BOTH
        + """

def peeks(model, X):
    other = X.clone()
    other[-1] += 1
    return not torch.allclose(model(X)[0], model(other)[0])
""",
        "own-step-counts": BOTH + changed(PEEKS, ("g[t + 1:]", "g[t:]")),
    },
    "task-6": {
        "cell-not-detached": changed(
            DETACHED,
            (
                "tuple(detached(part) for part in state)",
                "(detached(state[0]), *state[1:])",
            ),
        )
        + LEARN
        + PERPLEXITY,
        "in-place": """
def detached(state):
    if isinstance(state, list | tuple):
        for part in state:
            detached(part)
    elif state is not None:
        state.detach_()
    return state
"""
        + LEARN
        + PERPLEXITY,
        "state-dropped": DETACHED
        + changed(LEARN, ("scores, state = model(x, state)", "scores, state = model(x)"))
        + PERPLEXITY,
        "clip-after-the-step": DETACHED
        + changed(
            LEARN,
            ("        nn.utils.clip_grad_norm_(model.parameters(), max_norm=clip)\n", ""),
            (
                "        optimizer.step()\n",
                "        optimizer.step()\n"
                "        nn.utils.clip_grad_norm_(model.parameters(), clip)\n",
            ),
        )
        + PERPLEXITY,
        "mean-of-the-windows": DETACHED
        + LEARN
        + changed(
            PERPLEXITY,
            ('reduction="none").flatten()', 'reduction="mean")'),
            ("torch.cat(losses)", "torch.stack(losses)"),
        ),
    },
    "task-7": {
        "gates-remember": MEASURED
        + changed(STATEMENTS, ('"long_memory": False', '"long_memory": True')),
        "open-is-always-better": MEASURED
        + changed(STATEMENTS, ('"always": False', '"always": True')),
        "reach-is-accuracy": MEASURED
        + changed(
            STATEMENTS, ('"fades": False', '"fades": True'), ('"order": False', '"order": True')
        ),
        "one-seed": changed(
            MEASURED, ("for s in (0, 1)) / 2", "for s in (0, ))"), ("range(5)) ** 0.2", "range(1))")
        )
        + STATEMENTS,
        "last-row-over-first": changed(MEASURED, ("sizes[0] / sizes[-1]", "sizes[-1] / sizes[0]"))
        + STATEMENTS,
    },
}
