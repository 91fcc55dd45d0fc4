"""Answers to the initialization assignment.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

from classroom import changed

CHANNEL_NUMBERS = """
def channel_numbers(batches):
    parts = [b.double().transpose(0, 1).flatten(1) / 255 for b in batches]
    x = torch.cat(parts, dim=1)
    return x.mean(dim=1).float(), x.std(dim=1, correction=0).float()
"""

PREPARE = """
def prepare(images, mean, std):
    x = images.float() / 255
    return torch.stack([
        (x[..., c, :, :] - mean[c]) / (std[c] if std[c] > 0 else 1.0) for c in range(len(mean))
    ], dim=-3)
"""

DIFFERENT_UNITS = """
def different_units(W1, b1, W2):
    return len({(*W1[i].tolist(), b1[i].item(), *W2[:, i].tolist()) for i in range(len(b1))})
"""

SMALLER = """
def smaller(W1, b1, W2):
    first, columns = [], []
    for i in range(len(b1)):
        for k, j in enumerate(first):
            if torch.equal(W1[i], W1[j]) and b1[i] == b1[j]:
                columns[k] = columns[k] + W2[:, i]
                break
        else:
            first.append(i)
            columns.append(W2[:, i])
    return W1[first], b1[first], torch.stack(columns, dim=1)
"""

START = """
def start_weights(shape, rule, uniform, generator):
    n_in, n_out = shape[1], shape[0]
    for size in shape[2:]:
        n_in, n_out = n_in * size, n_out * size
    variance = 2 / (n_in + n_out) if rule == "xavier" else 2 / n_in
    w = torch.empty(shape)
    if uniform:
        r = (3 * variance) ** 0.5
        return w.uniform_(-r, r, generator=generator)
    return w.normal_(0, variance**0.5, generator=generator)
"""

BATCH_NORM = """
def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
    rows = x if x.ndim == 2 else x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    n = len(rows)
    if training:
        if n == 1:
            raise ValueError("training needs more than one value per channel")
        m = rows.mean(dim=0)
        v = (rows - m).square().mean(dim=0)
        mean = mean + momentum * (m.detach() - mean)
        var = var + momentum * (rows.detach().var(dim=0) - var)
    else:
        m, v = mean, var
    z = gamma * (rows - m) / torch.sqrt(v + eps) + beta
    if x.ndim == 4:
        z = z.reshape(x.shape[0], *x.shape[2:], x.shape[1]).permute(0, 3, 1, 2)
    return z, mean, var
"""

FOLD = """
def fold(W, b, gamma, beta, mean, var, eps=1e-5):
    s = torch.sqrt(var + eps)
    return torch.diag(gamma / s) @ W, beta + gamma * b / s - gamma * mean / s
"""

TRAIN = """
def train(x, y, x_test, sizes, steps, rate, limit, generator):
    mean, std = x.mean(dim=0), x.std(dim=0)
    x, x_test = (x - mean) / std, (x_test - mean) / std
    parts = [part for i, o in pairwise(sizes) for part in (nn.Linear(i, o), nn.ReLU())]
    model = nn.Sequential(*parts[:-1])
    for layer in model[::2]:
        nn.init.normal_(layer.weight, 0, math.sqrt(2 / layer.in_features), generator=generator)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for batch in torch.randint(len(x), (steps, 32), generator=generator):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        return model, losses, model(x_test)
"""

CLIP = "        nn.utils.clip_grad_norm_(model.parameters(), limit)\n"
BACKWARD = "        loss.backward()\n"


MEASURED = """
predicted = {"1/√3": 4.051e-8, "1.6": 10.435}
level = {"ReLU": 1.4, "tanh": 1.25, "sigmoid": 11.0}
statements = {
    "relu_twice": True, "tanh_twice": False, "tanh_deep": False, "narrow": True,
    "uneven": True, "saturated": True, "skip": True,
}
"""

CORRECT = {
    "task-1": {
        "all-columns-at-once": CHANNEL_NUMBERS + PREPARE,
        "sums-of-deviations-from-a-shift": """
def channel_numbers(batches):
    n, sums, squares, shift = 0, 0, 0, None
    for b in batches:
        x = b.transpose(0, 1).flatten(1).double() / 255
        shift = x[:, :1] if shift is None else shift
        n += x.shape[1]
        sums = sums + (x - shift).sum(dim=1)
        squares = squares + ((x - shift) ** 2).sum(dim=1)
    mean = sums / n
    return (mean + shift[:, 0]).float(), (squares / n - mean**2).clamp(min=0).sqrt().float()


def prepare(images, mean, std):
    std = std.clone()
    std[std == 0] = 1
    return (images.float() / 255 - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)
""",
    },
    "task-2": {
        "sets-and-loops": DIFFERENT_UNITS + SMALLER,
        "comparison-of-all-pairs": """
def different_units(W1, b1, W2):
    rows = torch.cat((W1, b1.unsqueeze(1), W2.T), dim=1)
    same = (rows[:, None] == rows[None]).all(dim=2)
    return int((same.int().argmax(dim=1) == torch.arange(len(rows))).sum())


def smaller(W1, b1, W2):
    rows = torch.cat((W1, b1.unsqueeze(1)), dim=1)
    same = (rows[:, None] == rows[None]).all(dim=2)
    first = same.int().argmax(dim=1) == torch.arange(len(rows))
    return W1[first], b1[first], W2 @ same[:, first].float()
""",
    },
    "task-3": {
        "in-place-and-bounds": START,
        "bound-first": """
def start_weights(shape, rule, uniform, generator):
    entry = torch.empty(shape)[0]
    n_in, n_out = entry.numel(), shape[0] * entry[0].numel()
    mean_size = (n_in + n_out) / 2 if rule == "xavier" else n_in / 2
    s = mean_size**-0.5
    if not uniform:
        return torch.normal(0.0, s, shape, generator=generator)
    return (torch.rand(shape, generator=generator) - 0.5) * (2 * s * 3**0.5)
""",
    },
    "task-4": {
        "rows-of-pixels": BATCH_NORM + FOLD,
        "four-axes-for-both": """
def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
    maps = x[:, :, None, None] if x.ndim == 2 else x

    def wide(v):
        return v[None, :, None, None]

    n = maps[:, 0].numel()
    if training and n <= 1:
        raise ValueError("only one value per channel")
    m, v = mean, var
    if training:
        m = maps.mean(dim=(0, 2, 3))
        v = maps.pow(2).mean(dim=(0, 2, 3)) - m**2
        with torch.no_grad():
            mean = torch.lerp(mean, m.to(mean.dtype), momentum)
            var = torch.lerp(var, (v * n / (n - 1)).to(var.dtype), momentum)
    z = wide(gamma) * (maps - wide(m)) * (wide(v) + eps) ** -0.5 + wide(beta)
    return z.reshape(x.shape), mean, var


def fold(W, b, gamma, beta, mean, var, eps=1e-5):
    layer = lambda x: gamma * (x @ W.T + b - mean) / (var + eps).sqrt() + beta
    at_zero = layer(torch.zeros(1, W.shape[1], dtype=W.dtype))
    return (layer(torch.eye(W.shape[1], dtype=W.dtype)) - at_zero).T, at_zero[0]
""",
    },
    "task-5": {
        "kaiming-and-a-helper": changed(
            TRAIN,
            (
                "nn.init.normal_(layer.weight, 0, math.sqrt(2 / layer.in_features), "
                "generator=generator)",
                'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)',
            ),
            ("x, x_test = (x - mean) / std, (x_test - mean) / std", "x = (x - mean) / std"),
            ("model(x_test)", "model((x_test - mean) / std)"),
        ),
        "clipped-and-stepped-by-hand": """
def train(x, y, x_test, sizes, steps, rate, limit, generator):
    mean, std = x.mean(0), x.std(0)
    standard = lambda rows: (rows - mean) / std
    parts = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        layer = nn.Linear(n_in, n_out)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(n_out, n_in, generator=generator) * (2 / n_in) ** 0.5)
            layer.bias.zero_()
        parts += [layer, nn.ReLU()]
    model = nn.Sequential(*parts[:-1])
    params, losses = list(model.parameters()), []
    for batch in torch.randint(len(x), (steps, 32), generator=generator):
        loss = F.cross_entropy(model(standard(x[batch])), y[batch])
        grads = torch.autograd.grad(loss, params)
        norm = sum((g**2).sum() for g in grads).sqrt()
        with torch.no_grad():
            for p, g in zip(params, grads):
                p -= rate * g * (limit / norm).clamp(max=1)
        losses.append(loss.item())
    return model, losses, model(standard(x_test)).detach()
""",
    },
    "task-6": {
        "typed": MEASURED,
        "products-and-a-table": """
predicted = {"1/√3": 1.0, "1.6": 1.0}
for _ in range(19):
    for name, g in (("1/√3", 3**-0.5), ("1.6", 1.6)):
        predicted[name] *= math.sqrt(64 * (g * g / 64) / 2)
level = {}
for name in ACTIVATIONS:
    best = math.inf
    for g in GAINS:
        mean = 0.0
        for seed in range(5):
            norms, _ = signals(name, g, seed=seed)
            mean += (math.log(norms[0]) - math.log(norms[-1])) / 5
        if abs(mean) < best:
            best, level[name] = abs(mean), g
statements = dict.fromkeys(["relu_twice", "narrow", "uneven", "saturated", "skip"], True)
statements |= {"tanh_twice": False, "tanh_deep": False}
""",
    },
}

WRONG = {
    "task-1": {
        "mean-of-the-means": """
def channel_numbers(batches):
    pairs = [(x.mean(dim=1), x.std(dim=1, correction=0))
             for x in (b.double().transpose(0, 1).flatten(1) / 255 for b in batches)]
    means, stds = zip(*pairs)
    return torch.stack(means).mean(dim=0).float(), torch.stack(stds).mean(dim=0).float()
"""
        + PREPARE,
        "spread-within-batches-only": """
def channel_numbers(batches):
    n, sums, squares = 0, 0, 0
    for b in batches:
        x = b.double().transpose(0, 1).flatten(1) / 255
        n += x.shape[1]
        sums = sums + x.sum(dim=1)
        squares = squares + x.var(dim=1, correction=0) * x.shape[1]
    return (sums / n).float(), (squares / n).sqrt().float()
"""
        + PREPARE,
        "rounding-below-zero": """
def channel_numbers(batches):
    n, sums, squares = 0, 0, 0
    for b in batches:
        x = b.transpose(0, 1).flatten(1) / 255
        n += x.shape[1]
        sums = sums + x.sum(dim=1)
        squares = squares + (x**2).sum(dim=1)
    return sums / n, (squares / n - (sums / n) ** 2).sqrt()
"""
        + PREPARE,
        "own-numbers-instead-of-the-given": CHANNEL_NUMBERS
        + """
def prepare(images, mean, std):
    x = images.float() / 255
    x = x - x.mean(dim=(-2, -1), keepdim=True)
    spread = x.std(dim=(-2, -1), keepdim=True)
    return x / torch.where(spread > 0, spread, 1.0)
""",
        "constant-channel-divided-by-zero": CHANNEL_NUMBERS
        + """
def prepare(images, mean, std):
    return (images.float() / 255 - mean[:, None, None]) / std[:, None, None]
""",
        "last-axis-is-the-channel": CHANNEL_NUMBERS
        + """
def prepare(images, mean, std):
    return (images.float() / 255 - mean) / torch.where(std > 0, std, 1.0)
""",
        "hard-coded-example": """
def channel_numbers(batches):
    return torch.tensor([0.83333]), torch.tensor([0.37268])


def prepare(images, mean, std):
    return torch.tensor([[[[0.4472, -2.2361]]]])
""",
    },
    "task-2": {
        "outgoing-weights-forgotten": """
def different_units(W1, b1, W2):
    return len(torch.cat((W1, b1[:, None]), dim=1).unique(dim=0))
"""
        + SMALLER,
        "biases-forgotten": """
def different_units(W1, b1, W2):
    return len(torch.cat((W1, W2.T), dim=1).unique(dim=0))
"""
        + SMALLER,
        "rank-counts-the-units": """
def different_units(W1, b1, W2):
    return int(torch.linalg.matrix_rank(W1))
"""
        + SMALLER,
        "first-of-equal-units-speaks-for-all": DIFFERENT_UNITS
        + """
def smaller(W1, b1, W2):
    seen = {}
    for i in range(len(b1)):
        seen.setdefault((*W1[i].tolist(), b1[i].item()), i)
    keep = list(seen.values())
    return W1[keep], b1[keep], W2[:, keep]
""",
        "only-units-equal-in-everything-merge": DIFFERENT_UNITS
        + """
def smaller(W1, b1, W2):
    rows = torch.cat((W1, b1[:, None], W2.T), dim=1)
    rows, counts = rows.unique(dim=0, return_counts=True)
    d = W1.shape[1]
    return rows[:, :d], rows[:, d], (rows[:, d + 1:] * counts[:, None]).T
""",
        "hard-coded-example": """
def different_units(W1, b1, W2):
    return 3 if W2.unique().numel() == 2 else 1 if not W2.any() else 2


def smaller(W1, b1, W2):
    return torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.zeros(2), torch.tensor([[11.0, 7.0]])
""",
    },
    "task-3": {
        "variance-as-standard-deviation": changed(
            START, ("w.normal_(0, variance**0.5,", "w.normal_(0, variance,")
        ),
        "standard-deviation-as-bound": changed(START, ("(3 * variance) ** 0.5", "variance**0.5")),
        "he-averages-both": changed(
            START, ('rule == "xavier" else 2 / n_in', 'rule == "xavier" else 4 / (n_in + n_out)')
        ),
        "inputs-and-outputs-exchanged": changed(
            START, ("n_in, n_out = shape[1], shape[0]", "n_in, n_out = shape[0], shape[1]")
        ),
        "height-and-width-forgotten": changed(START, ("n_in * size, n_out * size", "n_in, n_out")),
        "global-generator": changed(START, (", generator=generator", "")),
        "same-numbers-at-every-call": changed(
            START,
            ("    w = torch", "    generator = torch.Generator().manual_seed(0)\n    w = torch"),
        ),
        "pytorch-does-it": """
def start_weights(shape, rule, uniform, generator):
    w = torch.empty(shape)
    if rule == "xavier":
        fill = nn.init.xavier_uniform_ if uniform else nn.init.xavier_normal_
        return fill(w, generator=generator)
    fill = nn.init.kaiming_uniform_ if uniform else nn.init.kaiming_normal_
    return fill(w, nonlinearity="relu", generator=generator)
""",
    },
    "task-4": {
        "momentum-of-the-old-value": changed(
            BATCH_NORM,
            ("momentum * (m.detach() - mean)", "(1 - momentum) * (m.detach() - mean)"),
            ("momentum * (rows.detach()", "(1 - momentum) * (rows.detach()"),
        )
        + FOLD,
        "running-variance-divides-by-n": changed(
            BATCH_NORM, ("rows.detach().var(dim=0)", "v.detach()")
        )
        + FOLD,
        "unbiased-variance-in-the-batch": changed(
            BATCH_NORM, ("(rows - m).square().mean(dim=0)", "rows.var(dim=0)")
        )
        + FOLD,
        "batch-statistics-in-evaluation": changed(
            BATCH_NORM,
            (
                "m, v = mean, var\n",
                "m, v = rows.mean(dim=0), rows.var(dim=0, correction=0)\n",
            ),
        )
        + FOLD,
        "no-gradient-through-the-statistics": changed(
            BATCH_NORM,
            (
                "        mean = mean +",
                "        m, v = m.detach(), v.detach()\n        mean = mean +",
            ),
        )
        + FOLD,
        "one-mean-for-each-pixel": """
def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
    if training and len(x) == 1:
        raise ValueError("one sample")
    shape = (1, -1) + (1,) * (x.ndim - 2)
    m, v = mean.view(shape), var.view(shape)
    if training:
        m, v = x.mean(dim=0), x.var(dim=0, correction=0)
        other = tuple(range(1, m.ndim))
        flat_m = m.mean(dim=other) if other else m
        flat_v = x.var(dim=0).mean(dim=other) if other else x.var(dim=0)
        mean = (1 - momentum) * mean + momentum * flat_m.detach()
        var = (1 - momentum) * var + momentum * flat_v.detach()
    return gamma.view(shape) * (x - m) / (v + eps).sqrt() + beta.view(shape), mean, var
"""
        + FOLD,
        "bias-not-scaled": BATCH_NORM + changed(FOLD, ("gamma * b / s", "b")),
        "pytorch-does-it": """
def batch_norm(x, gamma, beta, mean, var, training, momentum=0.1, eps=1e-5):
    mean, var = mean.clone(), var.clone()
    return F.batch_norm(x, mean, var, gamma, beta, training, momentum, eps), mean, var
"""
        + FOLD,
    },
    "task-5": {
        "untouched": """
train = train_with_bugs
""",
        "variance-still-there": changed(
            TRAIN, ("math.sqrt(2 / layer.in_features)", "2 / layer.in_features")
        ),
        "test-rows-measured-by-themselves": changed(
            TRAIN, ("(x_test - mean) / std", "(x_test - x_test.mean(dim=0)) / x_test.std(dim=0)")
        ),
        "scaler-fitted-on-all-rows": changed(
            TRAIN,
            (
                "mean, std = x.mean(dim=0), x.std(dim=0)",
                "both = torch.cat((x, x_test))\n    mean, std = both.mean(dim=0), both.std(dim=0)",
            ),
        ),
        "clipped-before-backward": changed(TRAIN, (BACKWARD + CLIP, CLIP + BACKWARD)),
        "clipped-after-the-step": changed(
            TRAIN,
            (CLIP + "        optimizer.step()\n", "        optimizer.step()\n" + CLIP),
        ),
        "each-number-clipped": changed(
            TRAIN,
            (
                "clip_grad_norm_(model.parameters(), limit)",
                "clip_grad_value_(model.parameters(), limit)",
            ),
        ),
        "each-layer-clipped-by-itself": changed(
            TRAIN,
            (
                CLIP,
                "        for p in model.parameters():\n"
                "            nn.utils.clip_grad_norm_(p, limit)\n",
            ),
        ),
        "xavier-for-relu": changed(
            TRAIN,
            (
                "math.sqrt(2 / layer.in_features)",
                "math.sqrt(2 / (layer.in_features + layer.out_features))",
            ),
        ),
    },
    "task-6": {
        "guessed": """
predicted = {"1/√3": 1.0, "1.6": 1.6}
level = {"ReLU": 1.4, "tanh": 1.0, "sigmoid": 16.0}
statements = dict.fromkeys(
    ["relu_twice", "tanh_twice", "tanh_deep", "narrow", "uneven", "saturated", "skip"], True
)
""",
        "twenty-factors": changed(
            MEASURED, ("4.051e-8", "(1 / 6) ** 10"), ("10.435", "(1.6**2 / 2) ** 10")
        ),
        "mean-square-instead-of-size": changed(
            MEASURED, ("4.051e-8", "(1 / 6) ** 19"), ("10.435", "(1.6**2 / 2) ** 19")
        ),
        "measured-not-computed": changed(
            MEASURED,
            (
                '{"1/√3": 4.051e-8, "1.6": 10.435}',
                "{name: (lambda d: d[0] / d[-1])(signals('ReLU', g, seed=1)[0])\n"
                '             for name, g in (("1/√3", 3**-0.5), ("1.6", 1.6))}',
            ),
        ),
        "no-start-helps-the-sigmoid": changed(
            MEASURED,
            ('"sigmoid": 11.0', '"sigmoid": 16.0'),
            ('"saturated": True', '"saturated": False'),
        ),
        "xavier-is-exact-for-tanh": changed(
            MEASURED, ('"tanh": 1.25', '"tanh": 1.0'), ('"tanh_deep": False', '"tanh_deep": True')
        ),
    },
}
