"""Answers to the assignment on multilayer perceptrons.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

from classroom import changed

FORWARD = """
def forward(X, layers):
    for W, b, f in layers:
        X = X @ W.T + b
        X = X if f is None else f(X)
    return X
"""

SHORTEN = """
def shorten(layers):
    short = []
    for W, b, f in layers:
        if short and short[-1][2] is None:
            W_before, b_before, _ = short.pop()
            W, b = W @ W_before, W @ b_before + b
        short.append((W, b, f))
    return short
"""

SLOPE = """
def slope(name, a, alpha=1.0):
    if name == "sigmoid":
        return a * (1 - a)
    if name == "tanh":
        return 1 - a**2
    left = torch.zeros_like(a) if name == "relu" else a + alpha
    return torch.where(a > 0, torch.ones_like(a), left)
"""

MAXOUT = """
def maxout(X, W, b):
    return (torch.einsum("nd,mkd->nmk", X, W) + b).max(dim=-1).values
"""

MAXOUT_GRADIENT = """
def maxout_gradient(X, W, b):
    winner = (torch.einsum("nd,mkd->nmk", X, W) + b).argmax(dim=-1)
    won = F.one_hot(winner, W.shape[1]).to(X)
    return torch.einsum("nmk,nd->mkd", won, X)
"""

SOFTEN = """
def soften(z, temperature=1.0, dim=-1):
    z = z - z.amax(dim=dim, keepdim=True)
    e = (z == 0).to(z) if temperature == 0 else torch.exp(z / temperature)
    return e / e.sum(dim=dim, keepdim=True)
"""

SOFTMAX_GRADIENT = """
def softmax_gradient(p, g):
    return p * (g - (p * g).sum(dim=-1, keepdim=True))
"""

TOWER = """
def tower(low, high):
    d, k = len(low), 200.0
    W1 = k * torch.eye(d).repeat(2, 1)
    b1 = -k * torch.cat((low, high))
    w2 = 20 * torch.cat((torch.ones(d), -torch.ones(d)))
    return W1, b1, w2, -20 * (d - 0.5)
"""

HILLS = """
def hills(X, centers, width):
    squares = (X[:, None] - centers).square().sum(dim=-1)
    return torch.exp(-squares / (2 * width**2))
"""

INTERPOLATE = """
def interpolate(X, y, width):
    return torch.linalg.solve(hills(X, X, width), y)
"""

TRAIN = """
def train_digits(images, labels, epochs, seed, rate=0.001):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    log = []
    for _ in range(epochs):
        total = 0.0
        for i in torch.randperm(len(images)).split(100):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images[i] / 255), labels[i])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(i)
        log.append(total / len(images))
    return model, log
"""

TYPED = """
dead_raw = 0.516
dead_small = 0.012
dead_centered = 0.012
statements = {"revive": False, "center": True, "leaky": False, "loss": True, "wide": True}
"""


CORRECT = {
    "task-1": {
        "sample-by-sample-and-from-the-end": """
def forward(X, layers):
    rows = []
    for a in X:
        for W, b, f in layers:
            a = torch.mv(W, a) + b
            if f:
                a = f(a)
        rows.append(a)
    return torch.stack(rows)


def shorten(layers):
    layers = list(layers)
    i = 0
    while i < len(layers) - 1:
        (W, b, f), (V, c, g) = layers[i], layers[i + 1]
        if f is None:
            layers[i : i + 2] = [(V @ W, torch.mv(V, b) + c, g)]
        else:
            i += 1
    return layers
""",
        "columns-and-waiting-matrices": """
def forward(X, layers):
    a = X.T
    for W, b, f in layers:
        a = W @ a + b[:, None]
        if f is not None:
            a = f(a)
    return a.T


def shorten(layers):
    result, waiting = [], None
    for W, b, f in layers:
        if waiting is None:
            waiting = (W, b)
        else:
            waiting = (W @ waiting[0], W @ waiting[1] + b)
        if f is not None:
            result.append((*waiting, f))
            waiting = None
    if waiting is not None:
        result.append((*waiting, None))
    return result
""",
    },
    "task-2": {
        "back-to-the-sums-and-loops": """
def slope(name, a, alpha=1.0):
    if name == "sigmoid":
        z = torch.log(a / (1 - a))
        return torch.exp(-z) / (1 + torch.exp(-z)) ** 2
    if name == "tanh":
        return (1 - a) * (1 + a)
    if name == "relu":
        return (a > 0).to(a.dtype)
    z = torch.log1p(torch.clamp(a, max=0) / alpha)
    return torch.where(a > 0, 1.0, alpha * z.exp()).to(a.dtype)


def maxout(X, W, b):
    outputs = [(X @ W[j].T + b[j]).amax(dim=1) for j in range(len(W))]
    return torch.stack(outputs, dim=1)


def maxout_gradient(X, W, b):
    gradient = torch.zeros_like(W)
    for x in X:
        for j in range(len(W)):
            k = int((W[j] @ x + b[j]).argmax())
            gradient[j, k] += x
    return gradient
""",
        "minimum-and-matrix-products": """
def slope(name, a, alpha=1.0):
    if name == "elu":
        return 1 - (a <= 0).to(a) * (1 - alpha - a)
    return {"sigmoid": a - a * a, "tanh": 1 - a * a, "relu": (a > 0) * torch.ones_like(a)}[name]


def maxout(X, W, b):
    m, K, d = W.shape
    sums = X @ W.reshape(m * K, d).T + b.reshape(-1)
    return sums.reshape(-1, m, K).max(dim=2)[0]


def maxout_gradient(X, W, b):
    m, K, d = W.shape
    sums = (X @ W.reshape(m * K, d).T + b.reshape(-1)).reshape(-1, m, K)
    won = (sums == sums.max(dim=2, keepdim=True).values).to(X)
    return (won.reshape(-1, m * K).T @ X).reshape(m, K, d)
""",
    },
    "task-3": {
        "hardmax-apart-and-jacobians": """
def soften(z, temperature=1.0, dim=-1):
    top = z.max(dim, keepdim=True).values
    if temperature == 0:
        winners = (z == top).to(z.dtype)
        return winners / winners.sum(dim, keepdim=True)
    e = ((z - top) / temperature).exp()
    return e.div(e.sum(dim, keepdim=True))


def softmax_gradient(p, g):
    rows = []
    for p_i, g_i in zip(p, g):
        jacobian = torch.diag(p_i) - torch.outer(p_i, p_i)
        rows.append(jacobian @ g_i)
    return torch.stack(rows)
""",
        "axis-moved-to-the-end": """
def soften(z, temperature=1.0, dim=-1):
    z = z.movedim(dim, -1)
    z = z - z.max(dim=-1)[0].unsqueeze(-1)
    if temperature == 0:
        e = torch.where(z < 0, 0.0, 1.0).to(z)
    else:
        e = torch.exp(z / temperature)
    return (e / e.sum(-1, keepdim=True)).movedim(-1, dim)


def softmax_gradient(p, g):
    mean = torch.einsum("nq,nq->n", p, g)
    return p * g - p * mean[:, None]
""",
    },
    "task-4": {
        "falling-steps-and-cdist": """
def tower(low, high):
    d = len(low)
    identity = torch.eye(d) * 300
    W1 = torch.cat((identity, -identity))
    b1 = torch.cat((-300 * low, 300 * high))
    return W1, b1, torch.full((2 * d,), 30.0), torch.tensor(-30.0 * (2 * d - 0.5))


def hills(X, centers, width):
    distance = torch.cdist(X, centers, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.exp(-(distance**2) / (2 * width**2))


def interpolate(X, y, width):
    return torch.linalg.inv(hills(X, X, width)) @ y
""",
        "pairs-of-walls-and-loops": """
def tower(low, high):
    W1, b1, w2 = [], [], []
    for j in range(len(low)):
        for edge, sign in ((low[j], 1.0), (high[j], -1.0)):
            row = [0.0] * len(low)
            row[j] = 150.0
            W1.append(row)
            b1.append(-150.0 * edge)
            w2.append(sign * 16)
    return torch.tensor(W1), torch.tensor(b1), torch.tensor(w2), 8.0 - 16 * len(low)


def hills(X, centers, width):
    columns = [(-((X - c) ** 2).sum(1) / (2 * width**2)).exp() for c in centers]
    return torch.stack(columns, dim=1)


def interpolate(X, y, width):
    H = hills(X, X, width)
    return torch.linalg.lstsq(H, y[:, None]).solution[:, 0]
""",
    },
    "task-5": {
        "losses-of-all-pictures": """
def train_digits(images, labels, epochs, seed, rate=0.001):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    log = []
    for _ in range(epochs):
        losses = []
        for i in torch.randperm(len(images)).split(100):
            each = F.cross_entropy(model(images[i] / 255), labels[i], reduction="none")
            optimizer.zero_grad()
            each.mean().backward()
            optimizer.step()
            losses += each.tolist()
        log.append(sum(losses) / len(losses))
    return model, log
""",
        "a-class-of-its-own": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 500)
        self.output = nn.Linear(500, 10)

    def forward(self, x):
        return self.output(torch.relu(self.hidden(x.flatten(1))))


def train_digits(images, labels, epochs, seed, rate=0.001):
    torch.manual_seed(seed)
    model, log = Net(), []
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        total = torch.zeros(())
        order = torch.randperm(len(images))
        for start in range(0, len(images), 100):
            i = order[start : start + 100]
            model.zero_grad()
            loss = criterion(model(images[i].float() / 255), labels[i])
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(i)
        log.append(float(total) / len(images))
    return model, log
""",
        "a-class-and-a-log-with-its-record": """
class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.scores = nn.Linear(784, 500), nn.Linear(500, 10)

    def forward(self, x):
        return self.scores(F.relu(self.hidden(x.flatten(1))))


def train_digits(images, labels, epochs, seed, rate=0.001):
    torch.manual_seed(seed)
    model, X, log = Digits(), images.float() / 255, []
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for _ in range(epochs):
        total = 0
        for i in torch.randperm(len(X)).split(100):
            loss = F.cross_entropy(model(X[i]), labels[i])
            model.zero_grad()
            loss.backward()
            optimizer.step()
            total = total + loss * len(i)
        log.append(total / len(X))
    return model, log
""",
    },
    "task-6": {
        "typed-numbers": TYPED,
        "measured-step-by-step": """
def shares(x, activation, rate):
    first, end, losses, revived = [], [], [], False
    for seed in range(5):
        a, b, loss = two_big_steps(x, kinds, activation, rate, seed)
        first.append(a.float().mean())
        end.append(b.float().mean())
        losses.append(loss)
        revived = revived or (a & ~b).any().item()
    return sum(first) / 5, sum(end) / 5, sum(losses) / 5, revived


dead_raw, _, raw_loss, revived = shares(points, nn.ReLU(), 10)
dead_small, _, small_loss, _ = shares(points, nn.ReLU(), 0.1)
dead_centered = shares(points - points.mean(0, keepdim=True), nn.ReLU(), 10.0)[0]
statements = dict(
    revive=revived,
    center=bool(dead_centered < 0.1 * dead_raw),
    leaky=bool(shares(points, nn.LeakyReLU(0.1), 10)[0] < 0.5 * dead_raw),
    loss=raw_loss > small_loss,
    wide=bool(shares(points + 2, nn.ReLU(), 10)[0] > dead_raw),
)
""",
    },
}

WRONG = {
    "task-1": {
        "functions-dropped-when-merging": FORWARD
        + """
def shorten(layers):
    W, b, f = layers[0]
    for V, c, g in layers[1:]:
        W, b, f = V @ W, V @ b + c, g
    return [(W, b, f)]
""",
        "bias-added-instead-of-carried-along": FORWARD
        + changed(SHORTEN, ("W @ W_before, W @ b_before + b", "W @ W_before, b_before.sum() + b")),
        "merges-only-pairs": FORWARD
        + """
def shorten(layers):
    short, i = [], 0
    while i < len(layers):
        W, b, f = layers[i]
        if f is None and i + 1 < len(layers):
            V, c, g = layers[i + 1]
            short.append((V @ W, V @ b + c, g))
            i += 2
        else:
            short.append((W, b, f))
            i += 1
    return short
""",
        "layers-behind-the-last-function-lost": FORWARD
        + """
def shorten(layers):
    result, waiting = [], None
    for W, b, f in layers:
        waiting = (W, b) if waiting is None else (W @ waiting[0], W @ waiting[1] + b)
        if f is not None:
            result.append((*waiting, f))
            waiting = None
    return result or [(*waiting, None)]
""",
        "weights-not-transposed": changed(FORWARD, ("X @ W.T + b", "X @ W + b")) + SHORTEN,
        "bias-forgotten": changed(FORWARD, ("X @ W.T + b", "X @ W.T")) + SHORTEN,
    },
    "task-2": {
        "outputs-taken-for-sums": changed(
            changed(SLOPE, ("a * (1 - a)", "torch.sigmoid(a) * (1 - torch.sigmoid(a))")),
            ("1 - a**2", "1 - torch.tanh(a) ** 2"),
        )
        + MAXOUT
        + MAXOUT_GRADIENT,
        "elu-with-alpha-one-only": changed(SLOPE, ("a + alpha", "a + 1"))
        + MAXOUT
        + MAXOUT_GRADIENT,
        "elu-slope-from-a-as-if-it-were-z": changed(SLOPE, ("a + alpha", "alpha * torch.exp(a)"))
        + MAXOUT
        + MAXOUT_GRADIENT,
        "slope-one-at-the-kink": changed(SLOPE, ("a > 0", "a >= 0")) + MAXOUT + MAXOUT_GRADIENT,
        "largest-over-the-units": SLOPE
        + changed(MAXOUT, ("max(dim=-1)", "max(dim=1)"))
        + MAXOUT_GRADIENT,
        "maxout-followed-by-relu": SLOPE
        + changed(MAXOUT, (".values", ".values.clamp(min=0)"))
        + MAXOUT_GRADIENT,
        "all-branches-get-the-gradient": SLOPE
        + MAXOUT
        + """
def maxout_gradient(X, W, b):
    return X.sum(dim=0).expand_as(W).clone()
""",
        "winner-without-the-bias": SLOPE
        + MAXOUT
        + changed(
            MAXOUT_GRADIENT, ('(torch.einsum("nd,mkd->nmk", X, W) + b)', "(X @ W.mT).movedim(0, 1)")
        ),
        "gradient-by-autograd": SLOPE
        + MAXOUT
        + """
def maxout_gradient(X, W, b):
    W = W.clone().requires_grad_()
    maxout(X, W, b).sum().backward()
    return W.grad
""",
    },
    "task-3": {
        "nothing-subtracted": """
def soften(z, temperature=1.0, dim=-1):
    if temperature == 0:
        e = (z == z.amax(dim=dim, keepdim=True)).to(z)
    else:
        e = torch.exp(z / temperature)
    return e / e.sum(dim=dim, keepdim=True)
"""
        + SOFTMAX_GRADIENT,
        "always-the-last-axis": changed(
            changed(SOFTEN, ("z.amax(dim=dim", "z.amax(dim=-1")), ("e.sum(dim=dim", "e.sum(dim=-1")
        )
        + SOFTMAX_GRADIENT,
        "one-maximum-for-the-whole-batch": changed(
            SOFTEN, ("z.amax(dim=dim, keepdim=True)", "z.max()")
        )
        + SOFTMAX_GRADIENT,
        "multiplied-by-the-temperature": changed(SOFTEN, ("z / temperature", "z * temperature"))
        + SOFTMAX_GRADIENT,
        "first-of-equal-scores-wins": """
def soften(z, temperature=1.0, dim=-1):
    z = z - z.amax(dim=dim, keepdim=True)
    if temperature == 0:
        first = z.argmax(dim=dim, keepdim=True)
        return torch.zeros_like(z).scatter(dim, first, 1.0)
    e = torch.exp(z / temperature)
    return e / e.sum(dim=dim, keepdim=True)
"""
        + SOFTMAX_GRADIENT,
        "torch-softmax": changed(
            SOFTEN,
            (
                "torch.exp(z / temperature)\n    return",
                "torch.softmax(z / temperature, dim)\n    return",
            ),
        )
        + SOFTMAX_GRADIENT,
        "diagonal-of-the-jacobian-only": SOFTEN
        + """
def softmax_gradient(p, g):
    return g * p * (1 - p)
""",
        "gradient-divided-by-the-output": SOFTEN
        + """
def softmax_gradient(p, g):
    total = (p * g).sum(dim=-1, keepdim=True)
    return p * (p * g - p * total) / p
""",
    },
    "task-4": {
        "threshold-of-the-plane": changed(TOWER, ("-20 * (d - 0.5)", "-20 * 1.5"))
        + HILLS
        + INTERPOLATE,
        "threshold-lets-single-walls-stand": changed(TOWER, ("(d - 0.5)", "0.5"))
        + HILLS
        + INTERPOLATE,
        "soft-walls": changed(TOWER, ("200.0", "20.0")) + HILLS + INTERPOLATE,
        "bias-is-the-place-of-the-step": changed(TOWER, ("b1 = -k *", "b1 = -"))
        + HILLS
        + INTERPOLATE,
        "tower-of-the-example": """
def tower(low, high):
    low, high = torch.tensor([0.2, 0.4]), torch.tensor([0.6, 0.9])
    W1 = 200 * torch.eye(2).repeat(2, 1)
    b1 = -200 * torch.cat((low, high))
    return W1, b1, torch.tensor([20.0, 20.0, -20.0, -20.0]), -30.0
"""
        + HILLS
        + INTERPOLATE,
        "width-not-squared": TOWER + changed(HILLS, ("width**2", "width")) + INTERPOLATE,
        "axes-summed-too-late": TOWER
        + """
def hills(X, centers, width):
    return torch.exp(-((X[:, None] - centers) ** 2) / (2 * width**2)).mean(dim=-1)
"""
        + INTERPOLATE,
        "heights-are-the-targets": TOWER
        + HILLS
        + """
def interpolate(X, y, width):
    return y.clone()
""",
        "heights-by-correlation": TOWER
        + HILLS
        + """
def interpolate(X, y, width):
    H = hills(X, X, width)
    return H.T @ y / H.sum(dim=1)
""",
    },
    "task-5": {
        "untouched": "\ntrain_digits = train_with_bugs\n",
        "softmax-along-the-classes": changed(
            TRAIN, ("nn.Linear(500, 10))", "nn.Linear(500, 10), nn.Softmax(dim=1))")
        ),
        "relu-still-behind-the-last-layer": changed(
            TRAIN, ("nn.Linear(500, 10))", "nn.Linear(500, 10), nn.ReLU())")
        ),
        "no-relu-at-all": changed(TRAIN, ("nn.ReLU(), ", "")),
        "log-of-the-last-batch": changed(
            TRAIN, ("log.append(total / len(images))", "log.append(loss.item())")
        ),
        "mean-of-the-batches-means": changed(
            changed(TRAIN, ("loss.item() * len(i)", "loss.item()")),
            ("total / len(images)", "total / -(-len(images) // 100)"),
        ),
        "shuffling-lost": changed(TRAIN, ("torch.randperm", "torch.arange")),
    },
    "task-6": {
        "small-steps-revive": changed(TYPED, ('"revive": False', '"revive": True')),
        "leaky-units-are-not-silent": changed(TYPED, ('"leaky": False', '"leaky": True')),
        "centering-does-not-matter": changed(
            changed(TYPED, ("dead_centered = 0.012", "dead_centered = 0.516")),
            ('"center": True', '"center": False'),
        ),
        "one-seed": """
dead_raw, dead_small, dead_centered = (
    two_big_steps(x, kinds, nn.ReLU(), rate, 0)[0].double().mean().item()
    for x, rate in ((points, 10), (points, 0.1), (points - points.mean(0), 10))
)
statements = {"revive": False, "center": True, "leaky": False, "loss": True, "wide": True}
""",
        "one-mean-for-all-inputs": """
def dead(x, rate):
    results = [two_big_steps(x, kinds, nn.ReLU(), rate, seed) for seed in range(5)]
    return sum(first.double().mean().item() for first, *_ in results) / 5


dead_raw, dead_small = dead(points, 10), dead(points, 0.1)
dead_centered = dead(points - points.mean(dim=1, keepdim=True), 10)
statements = {"revive": False, "center": True, "leaky": True, "loss": True, "wide": True}
""",
    },
}
