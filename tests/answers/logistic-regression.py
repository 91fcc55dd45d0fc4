"""Planted answers for the assignment on logistic regression: each is the source of one cell."""

from classroom import changed

ODDS = """
def odds_factor(w, change):
    return torch.exp(w @ change)
"""

CHANGE = """


def needed_change(w, b, x, j, p):
    if p <= 0 or p >= 1 or w[j] == 0:
        raise ValueError("no finite change does it")
    return (math.log(p / (1 - p)) - (w @ x + b)) / w[j]
"""

LOSS = """
def grouped_loss(X, m, k, w, b):
    z = X @ w + b
    return (m * F.softplus(z) - k * z).sum() / m.sum()
"""

GRADIENT = """


def grouped_gradient(X, m, k, w, b):
    error = m * torch.sigmoid(X @ w + b) - k
    return error @ X / m.sum(), error.sum() / m.sum()
"""

LATE = """
def late_weight(x, y, rate, steps):
    s = x.sign() * (2 * y - 1)
    if s.min() != s.max():
        raise ValueError("w will settle")
    m = x.abs().min()
    return s[0] * torch.log(rate * (x.abs() == m).sum() * m**2 * steps / len(x)) / m
"""

TRAIN = """


def train(X, y, X_valid, y_valid, rate, decay, max_steps, patience):
    w, b = torch.zeros(X.shape[1]), 0.0
    best = (bce(X_valid @ w + b, y_valid), w, b, 0)
    for made in range(1, max_steps + 1):
        error = torch.sigmoid(X @ w + b) - y
        w = w - rate * ((error[:, None] * X).mean(0) + decay * w)
        b = b - rate * error.mean()
        loss = bce(X_valid @ w + b, y_valid)
        if loss < best[0]:
            best = (loss, w, b, made)
        elif made - best[3] >= patience:
            break
    return best[1], best[2], best[3], made
"""

PREPARE = """
def prepare(features, labels, test, generator):
    if not ((labels == 1) | (labels == 2)).all():
        raise ValueError("labels must be 1 and 2")
    order = torch.randperm(len(features), generator=generator)
    features, labels = features[order], (labels[order] - 1).long()
    X_train, X_test = features[:-test], features[-test:]
    mean, std = X_train.mean(0), X_train.std(0)
    std[std == 0] = 1.0
    return (X_train - mean) / std, labels[:-test], (X_test - mean) / std, labels[-test:]
"""

MENDED = """
def train_classifier(features, y, rate, epochs):
    mean, std = features.mean(dim=0), features.std(dim=0)
    model = nn.Linear(features.shape[1], 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = nn.BCEWithLogitsLoss()(model((features - mean) / std)[:, 0], y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    def probability(rows):
        with torch.no_grad():
            return model((rows - mean) / std)[:, 0].sigmoid()

    return probability, losses
"""

MEASURED = """
losses = {"raw": 0.41766, "squashed": 0.50059}
costs = {"half": 0.494, "best": 0.324, "squashed": 0.694}
statements = {
    "settles": True,
    "clean": False,
    "floor": False,
    "alike": False,
    "repair": True,
    "mean": True,
    "copies": True,
}
"""


CORRECT = {
    "task-1": {
        "odds-of-two-probabilities": """
def odds_factor(w, change):
    p = torch.sigmoid(w @ change)
    return (p / (1 - p)).item()


def needed_change(w, b, x, j, p):
    if not (0.0 < p < 1.0) or float(w[j]) == 0.0:
        raise ValueError("impossible")
    others = sum(float(w[i] * x[i]) for i in range(len(w)) if i != j)
    return float((torch.logit(torch.tensor(p)) - b - others) / w[j] - x[j])
""",
        "product-over-the-features": """
def odds_factor(w, change):
    return torch.prod(torch.exp(w) ** change)


def needed_change(w, b, x, j, p):
    if p <= 0 or p >= 1:
        raise ValueError("p")
    if w[j] == 0:
        raise ValueError("w")
    z = (w * x).sum() + b
    return (-math.log(1 / p - 1) - z).item() / w[j].item()
""",
    },
    "task-2": {
        "softplus": LOSS + GRADIENT,
        "logs-of-both-classes": """
def grouped_loss(X, m, k, w, b):
    z = X @ w + b
    return -(k * F.logsigmoid(z) + (m - k) * F.logsigmoid(-z)).sum() / m.sum()


def grouped_gradient(X, m, k, w, b):
    dw, db = torch.zeros(X.shape[1]), 0.0
    for x_i, m_i, k_i in zip(X, m, k):
        p = torch.sigmoid(x_i @ w + b)
        dw = dw + (m_i * p - k_i) * x_i
        db = db + m_i * p - k_i
    return dw / m.sum(), db / m.sum()
""",
    },
    "task-3": {
        "signs-instead-of-targets": LATE + TRAIN,
        "while-and-lists": """
def late_weight(x, y, rate, steps):
    pairs = list(zip(x.tolist(), y.tolist()))
    up = all((a > 0) == (t == 1) for a, t in pairs)
    down = all((a > 0) == (t == 0) for a, t in pairs)
    if not up and not down:
        raise ValueError("not separable")
    sizes = sorted(abs(a) for a, _ in pairs)
    factor = rate * sizes.count(sizes[0]) / len(sizes) * sizes[0] * sizes[0]
    w = math.log(factor * steps) / sizes[0]
    return w if up else -w


def train(X, y, X_valid, y_valid, rate, decay, max_steps, patience):
    Z, Z_valid = (torch.cat((A, torch.ones(len(A), 1)), dim=1) for A in (X, X_valid))
    pull = decay * torch.ones(Z.shape[1])
    pull[-1] = 0
    path = [torch.zeros(Z.shape[1])]
    losses = [bce(Z_valid @ path[0], y_valid).item()]
    while len(path) <= max_steps and len(path) - 1 - losses.index(min(losses)) < patience:
        u = path[-1]
        u = u - rate * (Z.T @ (torch.sigmoid(Z @ u) - y) / len(Z) + pull * u)
        path.append(u)
        losses.append(bce(Z_valid @ u, y_valid).item())
    best = losses.index(min(losses))
    return path[best][:-1], path[best][-1], best, len(path) - 1
""",
    },
    "task-4": {
        "split-then-scale": PREPARE,
        "column-by-column": """
def prepare(features, labels, test, generator):
    if set(labels.tolist()) - {1, 2}:
        raise ValueError("labels must be 1 and 2")
    order = torch.randperm(len(features), generator=generator).tolist()
    train, held = order[: len(order) - test], order[len(order) - test :]
    X = torch.empty_like(features)
    for j in range(features.shape[1]):
        column = features[train, j]
        scale = 1.0 if len(set(column.tolist())) == 1 else column.std()
        X[:, j] = (features[:, j] - column.mean()) / scale
    y = (labels == 2).long()
    return X[train], y[train], X[held], y[held]
""",
        "a-list-of-four": """
def prepare(features, labels, test, generator):
    if set(labels.tolist()) - {1, 2}:
        raise ValueError("labels should be 1 or 2")
    order = torch.randperm(len(labels), generator=generator)
    kept, rest = order[:-test], order[-test:]
    deviation, mean = torch.std_mean(features[kept], dim=0)
    deviation = deviation.masked_fill(deviation < 1e-12, 1.0)
    good = (labels == 2).long()
    return [t for i in (kept, rest) for t in ((features[i] - mean) / deviation, good[i])]
""",
    },
    "task-5": {
        "sigmoid-only-in-probability": MENDED,
        "weights-by-hand": """
def train_classifier(features, y, rate, epochs):
    mean, std = features.mean(dim=0), features.std(dim=0)
    Z = (features - mean) / std
    w = torch.zeros(Z.shape[1], requires_grad=True)
    b = torch.zeros((), requires_grad=True)
    adam, losses = torch.optim.Adam([w, b], lr=rate), []
    for _ in range(epochs):
        z = Z @ w + b
        loss = (F.softplus(z) - y * z).mean()
        losses.append(float(loss.detach()))
        adam.zero_grad()
        loss.backward()
        adam.step()
    w, b = w.detach() / std, (b - (w * mean / std).sum()).detach()
    return lambda rows: torch.sigmoid(rows @ w + b), losses
""",
        "losses-with-their-record": """
def train_classifier(features, y, rate, epochs):
    mean, std = features.mean(dim=0), features.std(dim=0)
    Z = (features - mean) / std
    w, b = torch.zeros(Z.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer, losses = torch.optim.Adam([w, b], lr=rate), []
    for _ in range(epochs):
        losses.append(F.softplus(-(2 * y - 1) * (Z @ w + b)).mean())
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return lambda rows: torch.sigmoid((rows - mean) / std @ w + b), losses
""",
    },
    "task-6": {
        "typed-numbers": MEASURED,
        "measured-step-by-step": """
raw = fit(X_pumps, y_pumps)
squashed = fit(X_pumps, y_pumps, sigmoid_first=True)
losses = {
    "raw": F.cross_entropy(X_pumps @ raw, y_pumps),
    "squashed": F.nll_loss((X_pumps @ squashed).sigmoid().log_softmax(1), y_pumps).item(),
}


def price(p, at):
    total = 0
    for p_i, y_i in zip(p.tolist(), y_test.tolist()):
        total += 4 * (y_i == 1 and p_i <= at) + (y_i == 0 and p_i > at)
    return total / len(y_test)


p, q = probability(X_test, raw), probability(X_test, squashed, True)
costs = {"half": price(p, 0.5), "best": price(p, 0.2), "squashed": price(q, 0.2)}
statements = {"settles": True, "clean": False, "floor": False}
statements["alike"] = bool(((p > 0.5) == (q > 0.5)).sum() > 990)
statements["repair"] = min(price(q, i / 100) for i in range(101)) < 1.05 * costs["best"]
statements["mean"] = True
statements["copies"] = True
""",
    },
}

WRONG = {
    "task-1": {
        "one-over-the-factor": changed(ODDS, ("w @ change", "-(w @ change)")) + CHANGE,
        "change-of-the-log-odds": changed(ODDS, ("torch.exp(w @ change)", "w @ change")) + CHANGE,
        "factor-of-the-probability": changed(
            ODDS, ("torch.exp(w @ change)", "torch.sigmoid(w @ change) / 0.5")
        )
        + CHANGE,
        "score-of-today-forgotten": ODDS
        + changed(CHANGE, ("(math.log(p / (1 - p)) - (w @ x + b))", "math.log(p / (1 - p))")),
        "new-value-instead-of-change": ODDS
        + changed(CHANGE, ("(w @ x + b)", "(w @ x - w[j] * x[j] + b)")),
        "no-error-for-impossible-wishes": ODDS
        + changed(CHANGE, ("p <= 0 or p >= 1 or w[j] == 0", "w[j] == 0")),
        "weight-zero-is-fine-if-p-is-reached": ODDS
        + changed(
            CHANGE,
            (
                "    if p <= 0",
                "    if 0 < p < 1 and abs(torch.sigmoid(w @ x + b) - p) < 1e-9:\n"
                "        return 0.0\n    if p <= 0",
            ),
        ),
        "hard-coded-example": """
def odds_factor(w, change):
    return 2.71828183 if change[1] == 0 else 0.36787944


def needed_change(w, b, x, j, p):
    return 6.394449 if j == 0 else -1.598612
""",
    },
    "task-2": {
        "mean-over-the-groups": changed(LOSS, ("m.sum()", "len(m)")) + GRADIENT,
        "shares-without-the-group-sizes": """
def grouped_loss(X, m, k, w, b):
    z = X @ w + b
    return (F.softplus(z) - k / m * z).mean()


def grouped_gradient(X, m, k, w, b):
    error = torch.sigmoid(X @ w + b) - k / m
    return X.T @ error / len(m), error.mean()
""",
        "logarithm-of-rounded-probabilities": """
def grouped_loss(X, m, k, w, b):
    p = torch.sigmoid(X @ w + b)
    return -(k * p.log() + (m - k) * (1 - p).log()).sum() / m.sum()
"""
        + GRADIENT,
        "logarithms-cut-off": """
def grouped_loss(X, m, k, w, b):
    p = torch.sigmoid(X @ w + b).clamp(1e-12, 1 - 1e-12)
    return -(k * p.log() + (m - k) * (1 - p).log()).sum() / m.sum()
"""
        + GRADIENT,
        "exponential-overflows": changed(LOSS, ("F.softplus(z)", "torch.log(1 + torch.exp(z))"))
        + GRADIENT,
        "one-target-for-each-group": LOSS
        + changed(GRADIENT, ("m * torch.sigmoid(X @ w + b) - k", "torch.sigmoid(X @ w + b) - k")),
        "gradient-with-the-opposite-sign": LOSS
        + changed(GRADIENT, ("m * torch.sigmoid(X @ w + b) - k", "k - m * (X @ w + b).sigmoid()")),
        "slope-of-the-sigmoid-kept": LOSS
        + changed(
            GRADIENT,
            (
                "    error = m * torch.sigmoid(X @ w + b) - k\n",
                "    p = torch.sigmoid(X @ w + b)\n    error = (m * p - k) * p * (1 - p)\n",
            ),
        ),
        "library-and-autograd": """
def grouped_loss(X, m, k, w, b):
    y = k / m.clamp(min=1)
    z = X @ w + b
    return F.binary_cross_entropy_with_logits(z, y, weight=m, reduction="sum") / m.sum()


def grouped_gradient(X, m, k, w, b):
    w, b = w.clone().requires_grad_(), torch.tensor(float(b), requires_grad=True)
    grouped_loss(X, m, k, w, b).backward()
    return w.grad, b.grad
""",
    },
    "task-3": {
        "example-constants-kept": changed(
            LATE,
            (
                "torch.log(rate * (x.abs() == m).sum() * m**2 * steps / len(x))",
                "math.log(0.225 * steps)",
            ),
        )
        + TRAIN,
        "one-nearest-point": changed(LATE, ("(x.abs() == m).sum() * ", "")) + TRAIN,
        "margin-not-squared": changed(LATE, ("m**2", "m")) + TRAIN,
        "always-positive": changed(LATE, ("s[0] * torch.log", "torch.log")) + TRAIN,
        "no-error-when-w-settles": changed(LATE, ("if s.min() != s.max():", "if len(x) == 0:"))
        + TRAIN,
        "error-for-swapped-answers": changed(LATE, ("if s.min() != s.max():", "if s.min() != 1:"))
        + TRAIN,
        "bias-decays-too": LATE
        + changed(TRAIN, ("rate * error.mean()", "rate * (error.mean() + decay * b)")),
        "penalty-twice-as-large": LATE + changed(TRAIN, ("decay * w)", "2 * decay * w)")),
        "bias-sees-new-weights": LATE
        + changed(
            TRAIN, ("b - rate * error.mean()", "b - rate * (torch.sigmoid(X @ w + b) - y).mean()")
        ),
        "last-weights-instead-of-best": LATE
        + changed(TRAIN, ("best[1], best[2], best[3]", "w, b, best[3]")),
        "best-weights-changed-in-place": LATE + changed(TRAIN, ("w = w - rate * ", "w -= rate * ")),
        "stops-at-the-first-rise-after-patience": LATE
        + changed(TRAIN, ("made - best[3] >= patience", "made >= patience")),
        "start-does-not-count": LATE
        + changed(TRAIN, ("(bce(X_valid @ w + b, y_valid), w, b, 0)", "(math.inf, w, b, 0)")),
        "one-step-too-patient": LATE + changed(TRAIN, (">= patience", "> patience")),
        "penalty-in-the-validation-loss": LATE
        + changed(
            TRAIN,
            (
                "loss = bce(X_valid @ w + b, y_valid)",
                "loss = bce(X_valid @ w + b, y_valid) + 5 * decay * w @ w",
            ),
        ),
        "stops-on-the-training-loss": LATE
        + changed(TRAIN, ("loss = bce(X_valid @ w + b, y_valid)", "loss = bce(X @ w + b, y)")),
    },
    "task-4": {
        "scaler-sees-the-test-rows": changed(
            PREPARE, ("X_train.mean(0), X_train.std(0)", "features.mean(0), features.std(0)")
        ),
        "test-part-has-its-own-scaler": changed(
            PREPARE,
            (
                "(X_test - mean) / std",
                "(X_test - X_test.mean(0)) / X_test.std(0).nan_to_num().clamp(min=1e-9)",
            ),
        ),
        "labels-not-shuffled": changed(PREPARE, ("labels[order] - 1", "labels - 1")),
        "test-rows-first": changed(
            PREPARE,
            ("features[:-test], features[-test:]", "features[test:], features[:test]"),
            ("labels[:-test]", "labels[test:]"),
            (", labels[-test:]", ", labels[:test]"),
        ),
        "labels-stay-one-and-two": changed(PREPARE, ("(labels[order] - 1)", "labels[order]")),
        "labels-of-type-float": changed(PREPARE, (".long()", ".double()")),
        "no-check-of-the-labels": changed(PREPARE, ("if not (", "if False and not (")),
        "constant-column-divided-by-zero": changed(PREPARE, ("    std[std == 0] = 1.0\n", "")),
        "standardized-before-shuffling": """
def prepare(features, labels, test, generator):
    if not ((labels == 1) | (labels == 2)).all():
        raise ValueError("labels")
    mean, std = features[:-test].mean(0), features[:-test].std(0)
    X = (features - mean) / torch.where(std == 0, 1.0, std)
    order = torch.randperm(len(X), generator=generator)
    X, y = X[order], (labels[order] - 1).long()
    return X[:-test], y[:-test], X[-test:], y[-test:]
""",
    },
    "task-5": {
        "untouched": "train_classifier = train_with_bugs\n",
        "only-the-sigmoid": changed(
            MENDED, ("(rows - mean) / std", "(rows - rows.mean(dim=0)) / rows.std(dim=0)")
        ),
        "only-the-scaler": changed(
            MENDED,
            ("model((features - mean) / std)[:, 0], y", "OUTPUT, y"),
            ("OUTPUT", "model((features - mean) / std)[:, 0].sigmoid()"),
        ),
        "loss-of-rounded-probabilities": changed(
            MENDED,
            (
                "nn.BCEWithLogitsLoss()(model((features - mean) / std)[:, 0], y)",
                "nn.BCELoss()(model((features - mean) / std)[:, 0].sigmoid(), y)",
            ),
        ),
        "logits-instead-of-probabilities": changed(MENDED, ("[:, 0].sigmoid()", "[:, 0]")),
        "features-not-standardized": changed(
            MENDED,
            ("model((features - mean) / std)", "model(features)"),
            ("model((rows - mean) / std)", "model(rows)"),
        ),
        "mean-subtracted-only": changed(
            MENDED,
            ("model((features - mean) / std)", "model(features - mean)"),
            ("model((rows - mean) / std)", "model(rows - mean)"),
        ),
        "loss-after-the-step": changed(
            MENDED,
            (
                "losses.append(loss.item())",
                "losses.append(nn.BCEWithLogitsLoss()("
                "model((features - mean) / std)[:, 0], y).item())",
            ),
        ),
    },
    "task-6": {
        "guessed": """
losses = {"raw": 0.3, "squashed": 0.4}
costs = {"half": 0.3, "best": 0.2, "squashed": 0.3}
statements = dict.fromkeys(
    ["settles", "clean", "floor", "alike", "repair", "mean", "copies"], True
)
""",
        "loss-of-logits-for-both": changed(MEASURED, ("0.50059", "0.57")),
        "costs-swapped-in-the-threshold": changed(
            MEASURED, ('"best": 0.324, "squashed": 0.694', '"best": 0.9, "squashed": 1.26')
        ),
        "weights-always-settle": changed(
            MEASURED, ('"clean": False', '"clean": True'), ('"mean": True', '"mean": False')
        ),
        "sigmoid-changes-no-answer": changed(MEASURED, ('"alike": False', '"alike": True')),
        "longer-training-passes-the-floor": changed(MEASURED, ('"floor": False', '"floor": True')),
        "nothing-repairs-a-squashed-model": changed(
            MEASURED, ('"repair": True', '"repair": False')
        ),
    },
}
