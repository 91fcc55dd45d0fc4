"""Answers to the assignment on recurrent networks and backpropagation through time.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

from classroom import changed

LINEAR = """
def linear_rnn(x, U, W, V):
    T, m = len(x), len(W)
    h = x.new_zeros(T + 1, m)
    for t in range(T):
        h[t + 1] = x[t] @ U.T + h[t] @ W.T
    return h[1:], torch.einsum("qm,tm->tq", V, h[1:])
"""

PARTS = """

def parts(x, U, W, V):
    rows, back = [], V
    for x_t in x.flip(0):
        rows.append(back @ (U @ x_t))
        back = back @ W
    return torch.stack(rows[::-1])
"""

SPREAD = """

def spread(x, U, W, V):
    T, largest, smallest = len(x), -math.inf, math.inf
    for order in permutations(range(T)):
        value = float(linear_rnn(torch.stack([x[i] for i in order]), U, W, V)[1][T - 1][0])
        largest, smallest = max(largest, value), min(smallest, value)
    return largest - smallest
"""

RECURRENT = """
class Recurrent(nn.Module):
    def __init__(self, d, m, layers=1, batch_first=False):
        super().__init__()
        self.m, self.first = m, batch_first
        self.W_xh, self.W_hh, self.b_h = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        for k in range(layers):
            self.W_xh.append(nn.Parameter(torch.empty(m if k else d, m)))
            self.W_hh.append(nn.Parameter(torch.empty(m, m)))
            self.b_h.append(nn.Parameter(torch.empty(m)))
        for p in self.parameters():
            nn.init.uniform_(p, -1 / math.sqrt(m), 1 / math.sqrt(m))

    def forward(self, x, h_0=None):
        if self.first:
            x = x.transpose(0, 1)
        layers = len(self.W_hh)
        if h_0 is None:
            h_0 = torch.zeros(layers, x.shape[1], self.m)
        h, output = list(h_0), []
        for x_t in x:
            below = x_t
            for k in range(layers):
                h[k] = torch.tanh(below @ self.W_xh[k] + h[k] @ self.W_hh[k] + self.b_h[k])
                below = h[k]
            output.append(below)
        output = torch.stack(output)
        if self.first:
            output = output.transpose(0, 1)
        return output, torch.stack(h)
"""

MANY = """
def many_to_one(cell, head, x, lengths=None):
    steps, batch, _ = x.shape
    h = torch.zeros(batch, head.in_features, dtype=x.dtype)
    states = []
    for x_t in x:
        h = cell(x_t, h)
        states.append(h)
    states = torch.stack(states)
    if lengths is not None:
        h = states[lengths - 1, torch.arange(batch)]
    return head(h).softmax(1)
"""

ONE = """

def one_to_many(cell, head, x, steps, every_step):
    later = x if every_step else torch.zeros_like(x)
    inputs = torch.stack([x] + [later] * (steps - 1))
    h, states = torch.zeros(len(x), head.in_features, dtype=x.dtype), []
    for x_t in inputs:
        h = cell(x_t, h)
        states.append(h)
    return head(torch.stack(states)).softmax(2)
"""

GRADIENTS = """
def gradients(U, W, V, b, c, x, y, h_0, window=None):
    T = len(x)
    h = [h_0]
    for t in range(T):
        h.append(torch.tanh(U @ x[t] + W @ h[-1] + b))
    dU, dW, dV, db, dc = (torch.zeros_like(p) for p in (U, W, V, b, c))
    window = window or T
    delta = torch.zeros_like(b)
    for t in range(T - 1, -1, -1):
        if t % window == window - 1:
            delta = torch.zeros_like(b)
        e = torch.zeros_like(c)
        if y[t] >= 0:
            e = (V @ h[t + 1] + c).softmax(0)
            e[y[t]] -= 1
        delta = (V.T @ e + W.T @ delta) * (1 - h[t + 1] * h[t + 1])
        dU += torch.outer(delta, x[t])
        dW += torch.outer(delta, h[t])
        dV += torch.outer(e, h[t + 1])
        db += delta
        dc += e
    return {"U": dU, "W": dW, "V": dV, "b": db, "c": dc}
"""

PERPLEXITY = """
def perplexity(windows):
    total, n = 0.0, 0
    for scores, y in windows:
        total += F.cross_entropy(
            scores.flatten(0, 1).double(), y.flatten(), ignore_index=-1, reduction="sum"
        ).item()
        n += (y != -1).sum().item()
    if n == 0:
        raise ValueError("nothing to count")
    try:
        return math.exp(total / n)
    except OverflowError:
        return math.inf
"""

CLIP = """

def clip(gradients, limit):
    norm = sum((g**2).sum() for g in gradients) ** 0.5
    factor = min(1.0, limit / (norm.item() + 1e-12))
    return [g * factor for g in gradients], norm.item()
"""

LEARN = """
def learn(model, ids, valid_ids, optimizer, epochs, rows, steps, limit):
    perplexities = []
    for _ in range(epochs):
        h = None
        for x, y in data.windows(ids, rows, steps):
            scores, h = model(x, h if h is None else h.detach())
            loss = F.cross_entropy(scores.flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            parameters = list(model.parameters())
            norm = sum((p.grad**2).sum() for p in parameters).sqrt()
            for p in parameters:
                p.grad *= min(1.0, limit / norm)
            optimizer.step()
        perplexities.append(judge(model, valid_ids, steps))
    return perplexities


@torch.no_grad()
def judge(model, valid_ids, steps):
    total, n, h = 0.0, 0, None
    for x, y in data.windows(valid_ids, 1, steps):
        scores, h = model(x, h)
        total += F.cross_entropy(scores.transpose(1, 2), y, reduction="sum").item()
        n += y.numel()
    return math.exp(total / n)
"""

MEASURE = """
def answers(rho, lag=8, **options):
    total = 0
    for seed in range(5):
        bits, states = read(rho, seed, **options)
        total += recall(states[-1], bits[-1 - lag], seed)
    return total / 5


def fraction(rho, **options):
    product = 1.0
    for seed in range(5):
        _, states = read(rho, seed, **options)
        states[-9].retain_grad()
        states[-1].retain_grad()
        (states[-1] @ error(seed)).sum().backward()
        product *= (states[-9].grad.norm() / states[-1].grad.norm()).item()
    return product**0.2


right = {rho: answers(rho) for rho in STRETCHES}
share = {rho: fraction(rho) for rho in STRETCHES}
"""

TYPED = """
right = {0.5: 0.493, 1.0: 0.874, 1.5: 0.737, 2.5: 0.572}
share = {0.5: 0.00196, 1.0: 0.274, 1.5: 1.29, 2.5: 6.28}
"""

STATEMENTS = """
statements = {
    "fades": True,
    "bound": True,
    "sufficient": False,
    "gradient_is_memory": False,
    "saturation": True,
    "tamed": False,
    "linear": True,
}
"""

CORRECT = {
    "task-1": {
        "backward-from-v": LINEAR + PARTS + SPREAD,
        "one-input-at-a-time": """
def linear_rnn(x, U, W, V):
    inputs, state, states = x @ U.T, 0, []
    for given in inputs:
        state = given + W @ state if len(states) else given
        states.append(state)
    return torch.stack(states), torch.stack([V @ h for h in states])


def parts(x, U, W, V):
    rows = []
    for k in range(len(x)):
        alone = torch.zeros_like(x)
        alone[k] = x[k]
        rows.append(linear_rnn(alone, U, W, V)[1][-1])
    return torch.stack(rows)


def spread(x, U, W, V):
    last = [linear_rnn(torch.stack(order), U, W, V)[1][-1, 0] for order in permutations(x)]
    return (max(last) - min(last)).item()
""",
    },
    "task-2": {
        "steps-outside-layers-inside": RECURRENT,
        "concatenated": changed(
            RECURRENT,
            (
                "below @ self.W_xh[k] + h[k] @ self.W_hh[k] +",
                "torch.cat((below, h[k]), 1) @ torch.cat((self.W_xh[k], self.W_hh[k])) +",
            ),
        ),
    },
    "task-3": {
        "all-states-then-pick": MANY + ONE,
        "row-by-row": """
def many_to_one(cell, head, x, lengths=None):
    answers = []
    for i in range(x.shape[1]):
        h = x.new_zeros(1, head.weight.shape[1])
        n = len(x) if lengths is None else int(lengths[i])
        for word in x[:n, i]:
            h = cell(word[None], h)
        answers.append(torch.softmax(head(h), dim=-1))
    return torch.cat(answers)


def one_to_many(cell, head, x, steps, every_step):
    h = cell(x, x.new_zeros(x.shape[0], head.weight.shape[1]))
    answers = [torch.softmax(head(h), dim=-1)]
    while len(answers) < steps:
        h = cell(x if every_step else 0 * x, h)
        answers.append(torch.softmax(head(h), dim=-1))
    return torch.stack(answers)
""",
    },
    "task-4": {
        "chapters-sweep": GRADIENTS,
        "double-sum": """
def gradients(U, W, V, b, c, x, y, h_0, window=None):
    T = len(x)
    window = window or T
    h = [h_0]
    for x_t in x:
        h.append(torch.tanh(x_t @ U.T + h[-1] @ W.T + b))
    found = {name: 0 * p for name, p in zip("UWVbc", (U, W, V, b, c))}
    for t in range(T):
        if y[t] < 0:
            continue
        e = torch.softmax(V @ h[t + 1] + c, 0) - F.one_hot(y[t], len(c)).to(c.dtype)
        found["V"] = found["V"] + e[:, None] * h[t + 1]
        found["c"] = found["c"] + e
        delta = V.T @ e * (1 - h[t + 1] ** 2)
        for k in range(t, t // window * window - 1, -1):  # the error of step t alone
            found["U"] = found["U"] + delta[:, None] * x[k]
            found["W"] = found["W"] + delta[:, None] * h[k]
            found["b"] = found["b"] + delta
            delta = W.T @ delta * (1 - h[k] ** 2)
    return found
""",
    },
    "task-5": {
        "library-loss": PERPLEXITY + CLIP,
        "one-list": """
def perplexity(windows):
    losses = [
        -scores.log_softmax(2)[i, t, y[i, t]].item()
        for scores, y in windows
        for i in range(y.shape[0])
        for t in range(y.shape[1])
        if y[i, t] >= 0
    ]
    if not losses:
        raise ValueError("the windows hold padding only")
    mean = sum(losses) / len(losses)
    return math.exp(mean) if mean < 700 else math.inf


def clip(gradients, limit):
    leaves = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for p, g in zip(leaves, gradients):
        p.grad = g.clone()
    norm = nn.utils.clip_grad_norm_(leaves, limit)
    return [p.grad for p in leaves], norm.item()
""",
    },
    "task-6": {
        "clips-by-hand": LEARN,
        "four-lines-changed": """
def learn(model, ids, valid_ids, optimizer, epochs, rows, steps, limit):
    perplexities = []
    for _ in range(epochs):
        windows, h = list(data.windows(ids, rows, steps)), None
        for k in range(len(windows)):
            x, y = windows[k]
            scores, h = model(x, h)
            h = h.detach()
            optimizer.zero_grad()
            F.cross_entropy(scores.transpose(1, 2), y).backward()
            nn.utils.clip_grad_norm_(model.parameters(), limit)
            optimizer.step()
        found, state = [], None
        with torch.no_grad():
            for x, y in data.windows(valid_ids, 1, steps):
                scores, state = model(x, state)
                found.append(F.cross_entropy(scores.transpose(1, 2), y))
        perplexities.append(torch.stack(found).mean().exp().item())
    return perplexities
""",
    },
    "task-7": {
        "typed": TYPED + STATEMENTS,
        "retained-gradients": MEASURE + STATEMENTS,
    },
}

WRONG = {
    "task-1": {
        "transposed-recurrence": changed(LINEAR, ("h[t] @ W.T", "h[t] @ W"))
        + changed(PARTS, ("back @ W", "back @ W.T"))
        + SPREAD,
        "only-the-previous-moment": changed(
            LINEAR,
            (
                "h[t + 1] = x[t] @ U.T + h[t] @ W.T",
                "h[t + 1] = U @ x[t]\n        if t:\n            h[t + 1] += W @ (U @ x[t - 1])",
            ),
        )
        + PARTS
        + SPREAD,
        "powers-of-entries": LINEAR
        + """

def parts(x, U, W, V):
    T = len(x)
    return torch.stack([V @ (U @ x[k]) * (W.sum(1).mean() ** (T - 1 - k)) for k in range(T)])
"""
        + SPREAD,
        "only-rotations": LINEAR
        + PARTS
        + """

def spread(x, U, W, V):
    last = [linear_rnn(x.roll(k, 0), U, W, V)[1][-1, 0].item() for k in range(len(x))]
    return max(last) - min(last)
""",
    },
    "task-2": {
        "first-state-at-every-step": changed(
            RECURRENT,
            ("h, output = list(h_0), []", "h, output = list(h_0), []\n        h_0 = list(h_0)"),
            ("h[k] @ self.W_hh", "h_0[k] @ self.W_hh"),
        ),
        "weights-transposed": changed(RECURRENT, ("self.W_hh[k] +", "self.W_hh[k].T +")),
        "batch-first-in-the-state-too": changed(
            RECURRENT,
            ("return output, torch.stack(h)", "return output, torch.stack(h, int(self.first))"),
        ),
        "last-layer-only": changed(RECURRENT, ("torch.stack(h)\n", "h[-1][None]\n")),
        "detached-state": changed(RECURRENT, ("below = h[k]", "below = h[k] = h[k].detach()")),
    },
    "task-3": {
        "last-step-for-all": changed(
            MANY, ("        h = states[lengths - 1, torch.arange(batch)]", "        pass")
        )
        + ONE,
        "one-word-too-many": changed(
            MANY, ("states[lengths - 1,", "states[lengths.clamp(max=steps - 1),")
        )
        + ONE,
        "last-state-at-all-steps": MANY
        + changed(ONE, ("torch.stack(states)", "torch.stack([h] * steps)")),
        "softmax-over-steps": MANY + changed(ONE, ("softmax(2)", "softmax(0)")),
        "input-always": MANY + changed(ONE, ("x if every_step else torch.zeros_like(x)", "x")),
    },
    "task-4": {
        "minus-one-is-the-last-class": changed(GRADIENTS, ("if y[t] >= 0:", "if True:")),
        "meets-its-own-state": changed(
            GRADIENTS, ("torch.outer(delta, h[t])", "torch.outer(delta, h[t + 1])")
        ),
        "one-step-back-only": changed(
            GRADIENTS,
            ("window = window or T", "window, before = window or T, torch.zeros_like(b)"),
            ("W.T @ delta)", "W.T @ before)"),
            (
                "        delta = (V.T",
                "        before, direct = torch.zeros_like(b), V.T @ e\n        delta = (V.T",
            ),
        ),
        "cuts-the-state": changed(
            GRADIENTS,
            ("W @ h[-1]", "W @ (h[-1] if not window or t % window else 0 * h_0)"),
        ),
        "windows-from-the-end": changed(
            GRADIENTS, ("t % window == window - 1", "(T - 1 - t) % window == 0")
        ),
    },
    "task-5": {
        "mean-of-perplexities": """
def perplexity(windows):
    found = [
        F.cross_entropy(s.transpose(1, 2), y, ignore_index=-1).exp().item()
        for s, y in windows
        if (y >= 0).any()
    ]
    if not found:
        raise ValueError("nothing to count")
    return sum(found) / len(found)
"""
        + CLIP,
        "padding-in-the-mean": changed(PERPLEXITY, ("(y != -1).sum().item()", "y.numel()")) + CLIP,
        "each-tensor-by-itself": PERPLEXITY
        + """

def clip(gradients, limit):
    norm = torch.cat([g.flatten() for g in gradients]).norm().item()
    return [g * min(1.0, limit / (g.norm().item() + 1e-12)) for g in gradients], norm
""",
        "always-scaled": PERPLEXITY
        + changed(CLIP, ("min(1.0, limit / (norm.item() + 1e-12))", "limit / norm.item()")),
        "in-place": PERPLEXITY
        + changed(CLIP, ("[g * factor for g in gradients]", "[g.mul_(factor) for g in gradients]")),
    },
    "task-6": {
        "every-window-from-zeros": changed(LEARN, ("h if h is None else h.detach()", "None")),
        "state-of-the-last-pass": changed(
            LEARN,
            ("perplexities = []", "perplexities, h = [], None"),
            (
                "        h = None\n        for x, y in data.windows(ids",
                "        for x, y in data.windows(ids",
            ),
        ),
        "clips-each-parameter": changed(LEARN, ("limit / norm", "limit / (p.grad.norm() + 1e-12)")),
        "clips-after-the-step": changed(
            LEARN,
            (
                "            loss.backward()\n",
                "            loss.backward()\n            optimizer.step()\n",
            ),
            ("limit / norm)\n            optimizer.step()", "limit / norm)"),
        ),
        "mean-of-exponentials": changed(
            LEARN,
            (
                'total += F.cross_entropy(scores.transpose(1, 2), y, reduction="sum").item()',
                "total += F.cross_entropy(scores.transpose(1, 2), y).exp().item()",
            ),
            ("n += y.numel()", "n += 1"),
            ("math.exp(total / n)", "total / n"),
        ),
    },
    "task-7": {
        "larger-gradient-longer-memory": TYPED
        + changed(STATEMENTS, ('"gradient_is_memory": False', '"gradient_is_memory": True')),
        "stretch-above-one-explodes": MEASURE
        + changed(STATEMENTS, ('"sufficient": False', '"sufficient": True')),
        "upside-down": TYPED
        + "share = {rho: 1 / value for rho, value in share.items()}"
        + STATEMENTS,
        "without-the-slope-of-tanh": TYPED
        + "share = {rho: rho**8 for rho in STRETCHES}"
        + STATEMENTS,
        "one-step-too-near": changed(MEASURE, ("lag=8", "lag=7")) + STATEMENTS,
    },
}
