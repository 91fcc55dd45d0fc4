"""Planted answers of the assignment loss-functions, for tests/test_assignments.py."""

CORRECT = {
    "task-1": {
        "everything-in-one-tensor": """
def rmse(batches):
    r = torch.cat([y_hat - y for y_hat, y in batches])
    return torch.linalg.norm(r) / len(r) ** 0.5


def msle(y_hat, y, reduction="mean"):
    y_hat = torch.where(y_hat < 0, torch.zeros_like(y_hat), y_hat)
    each = (y_hat.double().log1p() - y.double().log1p()).square().float()
    if reduction == "none":
        return each
    return each.sum() if reduction == "sum" else each.mean()
""",
        "one-logarithm-of-the-ratio": """
def rmse(batches):
    total, n = torch.tensor(0.0), 0
    for y_hat, y in batches:
        total = total + (y_hat - y) @ (y_hat - y)
        n += y.numel()
    return torch.sqrt(total / n)


def msle(y_hat, y, reduction="mean"):
    y_hat = torch.relu(y_hat)
    each = torch.log1p((y_hat - y) / (1 + y)).pow(2)
    return each if reduction == "none" else getattr(each, reduction)()
""",
    },
    "task-2": {
        "where-with-safe-branches": """
def two_sided_huber(y_hat, y, below, above, reduction="mean"):
    r = y_hat - y
    each = r**2 / 2
    if above < math.inf:
        each = torch.where(r > above, above * r - above**2 / 2, each)
    if below < math.inf:
        each = torch.where(r < -below, -below * r - below**2 / 2, each)
    return each if reduction == "none" else getattr(each, reduction)()
""",
        "inside-and-what-sticks-out": """
def two_sided_huber(y_hat, y, below, above, reduction="mean"):
    r = y_hat - y
    limits = torch.full_like(r, -below), torch.full_like(r, above)
    core = torch.minimum(torch.maximum(r, limits[0]), limits[1])
    each = 0.5 * core * core + core * (r - core)
    if reduction == "none":
        return each
    return each.sum() / (len(each.flatten()) if reduction == "mean" else 1)
""",
    },
    "task-3": {
        "xlogy": """
def likelihood(y_hat, y):
    return torch.prod(y_hat**y * (1 - y_hat) ** (1 - y))


def binary_nll(y_hat, y):
    return -(torch.xlogy(y, y_hat) + torch.xlogy(1 - y, 1 - y_hat)).sum()


def cross_entropy(z, target, reduction="mean"):
    log_p = z - z.logsumexp(dim=1, keepdim=True)
    if target.dtype == torch.int64:
        weight = (target != -1).float()
        each = -weight * log_p.gather(1, target.clamp(0)[:, None])[:, 0]
    else:
        weight = torch.ones(len(z))
        each = -(target * log_p).sum(1)
    if reduction == "none":
        return each
    return each.sum() if reduction == "sum" else each.sum() / weight.sum()
""",
        "maximum-taken-off-by-hand": """
def likelihood(y_hat, y):
    p = torch.tensor(1.0)
    for a, b in zip(y_hat, y):
        p = p * (a if b == 1 else 1 - a)
    return p


def binary_nll(y_hat, y):
    return -(y_hat[y == 1].log().sum() + (1 - y_hat[y == 0]).log().sum())


def cross_entropy(z, target, reduction="mean"):
    z = z - z.max(dim=1, keepdim=True).values
    log_p = z - z.exp().sum(dim=1, keepdim=True).log()
    if target.ndim == 1:
        rows = torch.eye(z.shape[1])[target] * (target >= 0)[:, None]
    else:
        rows = target
    each = -(rows * log_p).sum(dim=1)
    n = int((rows.sum(dim=1) > 0.5).sum())
    return {"none": each, "sum": each.sum(), "mean": each.sum() / n}[reduction]
""",
    },
    "task-4": {
        "where-before-the-logarithm": """
def kl(p, q):
    some = p > 0
    ratio = torch.where(some, p, 1.0) / torch.where(some, q, 1.0)
    return (p * ratio.log()).sum() / len(p)


def poisson_nll(y_hat, y, hours):
    log_mu = torch.where(hours > 0, y_hat + torch.where(hours > 0, hours, 1.0).log(), 0.0)
    return (hours * torch.exp(y_hat) - y * log_mu).mean()


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    norms = a.norm(dim=1) * b.norm(dim=1)
    cosine = (a * b).sum(dim=1) / torch.where(norms == 0, 1.0, norms)
    each = (target == 1) * (1 - cosine) + (target == -1) * torch.relu(cosine - margin)
    return {"none": each, "sum": each.sum(), "mean": each.mean()}[reduction]
""",
        "row-by-row": """
def kl(p, q):
    rows = []
    for a, b in zip(p, q):
        rows.append((a[a > 0] * (a[a > 0].log() - b[a > 0].log())).sum())
    return torch.stack(rows).mean()


def poisson_nll(y_hat, y, hours):
    worked = hours > 0
    mu = hours[worked] * y_hat[worked].exp()
    log_mu = hours[worked].log() + y_hat[worked]
    return (mu - y[worked] * log_mu).sum() / len(y)


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    units = [v / v.norm(dim=1, keepdim=True).clamp(min=1e-20) for v in (a, b)]
    cosine = torch.einsum("nd,nd->n", *units)
    each = torch.where(target > 0, 1 - cosine, torch.clamp(cosine - margin, min=0.0))
    if reduction == "mean":
        return each.mean()
    return each.sum() if reduction == "sum" else each
""",
    },
    "task-5": {
        "weighted-batch-means": """
def imitate(X, p, sizes, steps, rate):
    model = nn.Linear(X.shape[1], p.shape[1])
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    losses = []
    for _ in range(steps):
        model.zero_grad()
        total = 0.0
        for X_part, p_part in zip(X.split(sizes), p.split(sizes), strict=True):
            log_q = F.log_softmax(model(X_part), dim=1)
            loss = F.kl_div(log_q, p_part, reduction="batchmean") * len(X_part) / len(X)
            loss.backward()
            total += loss.item()
        with torch.no_grad():
            for w in model.parameters():
                w -= rate * w.grad
        losses.append(total)
    return model, losses
""",
        "cross-entropy-minus-entropy-and-sgd": """
def imitate(X, p, sizes, steps, rate):
    model = nn.Linear(X.shape[1], p.shape[1])
    with torch.no_grad():
        for w in model.parameters():
            w.zero_()
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=rate), []
    entropy = -torch.xlogy(p, p).sum().item() / len(X)
    for _ in range(steps):
        optimizer.zero_grad()
        losses.append(-entropy)
        for X_part, p_part in zip(X.split(sizes), p.split(sizes), strict=True):
            loss = F.cross_entropy(model(X_part), p_part, reduction="sum") / len(X)
            loss.backward()
            losses[-1] += loss.item()
        optimizer.step()
    return model, losses
""",
    },
    "task-6": {
        "typed-numbers": """
errors = {
    "squared": [0.02276, 0.5581, 0.3573],
    "absolute": [0.0286, 0.0307, 0.1419],
    "Huber": [0.0228, 0.0302, 0.1910],
}
statements = {
    "price": True, "far": True, "delta": False, "half": False, "fading": True, "more": True
}
""",
        "measured-step-by-step": """
pulls = [lambda r: r, lambda r: r / r.abs(), lambda r: torch.where(r.abs() < 1, r, r.sign())]


def measure(pull, y, x=x_clean):
    return torch.mean(torch.abs(slopes(x, y, pull) - 0.5))


errors = {}
for name, pull in zip(("squared", "absolute", "Huber"), pulls):
    row = [measure(pull, y_clean), measure(pull, y_typed), measure(pull, y_clean, x_slipped)]
    errors[name] = row
statements = {"price": errors["absolute"][0] / errors["squared"][0] > 1.1}
found = []
for extra in (30, 300):
    y = y_clean.clone()
    y[:, :4] += extra
    found.append(measure(pulls[2], y))
statements["far"] = bool((found[0] - found[1]).abs() < 0.01 * found[0])
wide = measure(lambda r: r.clamp(-100, 100), y_typed)
statements["delta"] = bool(wide < 0.5 * errors["squared"][1])
y = torch.cat([10 * y_clean[:, :20], y_clean[:, 20:]], dim=1)
statements["half"] = bool(measure(pulls[1], y) < measure(pulls[0], y))
fading = lambda r: r * math.e ** (-0.5 * r * r)
statements["fading"] = bool(measure(fading, y_typed) < errors["Huber"][1])
y = torch.cat([10 * y_clean[:, :12], y_clean[:, 12:]], dim=1)
statements["more"] = bool(measure(fading, y) > measure(pulls[0], y))
""",
    },
}

WRONG = {
    "task-1": {
        "mean-of-the-batches": """
def rmse(batches):
    means = [((y_hat - y) ** 2).mean() for y_hat, y in batches if len(y)]
    return (sum(means) / len(means)).sqrt()


def msle(y_hat, y, reduction="mean"):
    each = (torch.log1p(y_hat.clamp(min=0)) - torch.log1p(y)) ** 2
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "plain-logarithms": """
def rmse(batches):
    squares = sum(((y_hat - y) ** 2).sum() for y_hat, y in batches)
    return (squares / sum(len(y) for _, y in batches)).sqrt()


def msle(y_hat, y, reduction="mean"):
    each = (y_hat.clamp(min=1e-8).log() - y.clamp(min=1e-8).log()) ** 2
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "one-is-added-in-float32": """
def rmse(batches):
    squares = sum(((y_hat - y) ** 2).sum() for y_hat, y in batches)
    return (squares / sum(len(y) for _, y in batches)).sqrt()


def msle(y_hat, y, reduction="mean"):
    each = ((1 + y_hat.clamp(min=0)).log() - (1 + y).log()) ** 2
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "negative-predictions-keep-their-sign": """
def rmse(batches):
    squares = sum(((y_hat - y) ** 2).sum() for y_hat, y in batches)
    return (squares / sum(len(y) for _, y in batches)).sqrt()


def msle(y_hat, y, reduction="mean"):
    each = (torch.log1p(y_hat.abs()) - torch.log1p(y)) ** 2
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "given-prices-overwritten": """
def rmse(batches):
    errors = torch.cat([y_hat - y for y_hat, y in batches])
    return errors.square().mean().sqrt()


def msle(y_hat, y, reduction="mean"):
    y_hat[y_hat < 0] = 0
    each = (torch.log1p(y_hat) - torch.log1p(y)) ** 2
    return {"none": each, "mean": each.mean(), "sum": each.sum()}[reduction]
""",
        "reduction-is-ignored": """
def rmse(batches):
    squares = sum(((y_hat - y) ** 2).sum() for y_hat, y in batches)
    return (squares / sum(len(y) for _, y in batches)).sqrt()


def msle(y_hat, y, reduction="mean"):
    return ((torch.log1p(y_hat.clamp(min=0)) - torch.log1p(y)) ** 2).mean()
""",
        "hard-coded-examples": """
def rmse(batches):
    return torch.tensor(2.0817)


def msle(y_hat, y, reduction="mean"):
    return torch.tensor([0.0, 0.1517, 0.1641]) if reduction == "none" else torch.tensor(0.10527)
""",
        "ready-made-mse": """
def rmse(batches):
    y_hat, y = (torch.cat(part) for part in zip(*batches))
    return F.mse_loss(y_hat, y).sqrt()


def msle(y_hat, y, reduction="mean"):
    return nn.MSELoss(reduction=reduction)(y_hat.clamp(min=0).log1p(), y.log1p())
""",
    },
    "task-2": {
        "printed-form": """
def two_sided_huber(y_hat, y, below, above, reduction="mean"):
    r = y_hat - y
    each = r**2 / 2
    if above < math.inf:
        each = torch.where(r > above, above * r - above / 2, each)
    if below < math.inf:
        each = torch.where(r < -below, -below * r - below / 2, each)
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "sides-exchanged": """
def two_sided_huber(y_hat, y, below, above, reduction="mean"):
    r = y - y_hat
    inside = r.clamp(-below, above)
    each = inside * r - inside**2 / 2
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "infinite-limit-in-both-branches": """
def two_sided_huber(y_hat, y, below, above, reduction="mean"):
    r = y_hat - y
    each = torch.where(r > above, above * (r - above / 2), r**2 / 2)
    each = torch.where(r < -below, below * (-r - below / 2), each)
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "square-without-one-half": """
def two_sided_huber(y_hat, y, below, above, reduction="mean"):
    r = y_hat - y
    inside = r.clamp(-below, above)
    each = 2 * inside * r - inside**2
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "error-cut-off-before-squaring": """
def two_sided_huber(y_hat, y, below, above, reduction="mean"):
    each = (y_hat - y).clamp(-below, above) ** 2 / 2
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "mean-over-the-first-axis": """
def two_sided_huber(y_hat, y, below, above, reduction="mean"):
    r = y_hat - y
    inside = r.clamp(-below, above)
    each = inside * r - inside**2 / 2
    return {"mean": each.sum() / len(each), "sum": each.sum(), "none": each}[reduction]
""",
        "hard-coded-example": """
def two_sided_huber(y_hat, y, below, above, reduction="mean"):
    if reduction == "none":
        return torch.tensor([8.0, 2.0, 0.125, 2.5])
    return torch.tensor(12.625)
""",
    },
    "task-3": {
        "zero-times-log-zero": """
def likelihood(y_hat, y):
    return (y_hat**y * (1 - y_hat) ** (1 - y)).prod()


def binary_nll(y_hat, y):
    return -(y * y_hat.log() + (1 - y) * (1 - y_hat).log()).sum()


def cross_entropy(z, target, reduction="mean"):
    labeled = torch.ones(len(z), dtype=torch.bool)
    if not target.is_floating_point():
        labeled = target >= 0
        target = F.one_hot(target.clamp(min=0), z.shape[1]) * labeled[:, None]
    each = -(target * torch.log_softmax(z, dim=1)).sum(dim=1)
    return {"mean": each.sum() / labeled.sum(), "sum": each.sum(), "none": each}[reduction]
""",
        "logarithm-of-the-product": """
def likelihood(y_hat, y):
    return torch.where(y == 1, y_hat, 1 - y_hat).prod()


def binary_nll(y_hat, y):
    return -likelihood(y_hat, y).log()


def cross_entropy(z, target, reduction="mean"):
    labeled = torch.ones(len(z), dtype=torch.bool)
    if not target.is_floating_point():
        labeled = target >= 0
        target = F.one_hot(target.clamp(min=0), z.shape[1]) * labeled[:, None]
    each = -(target * torch.log_softmax(z, dim=1)).sum(dim=1)
    return {"mean": each.sum() / labeled.sum(), "sum": each.sum(), "none": each}[reduction]
""",
        "no-brackets": """
def likelihood(y_hat, y):
    return torch.where(y == 1, y_hat, 1 - y_hat).prod()


def binary_nll(y_hat, y):
    return (-torch.xlogy(y, y_hat) + torch.xlogy(1 - y, 1 - y_hat)).sum()


def cross_entropy(z, target, reduction="mean"):
    labeled = torch.ones(len(z), dtype=torch.bool)
    if not target.is_floating_point():
        labeled = target >= 0
        target = F.one_hot(target.clamp(min=0), z.shape[1]) * labeled[:, None]
    each = -(target * torch.log_softmax(z, dim=1)).sum(dim=1)
    return {"mean": each.sum() / labeled.sum(), "sum": each.sum(), "none": each}[reduction]
""",
        "logarithm-of-the-softmax": """
def likelihood(y_hat, y):
    return torch.where(y == 1, y_hat, 1 - y_hat).prod()


def binary_nll(y_hat, y):
    return -torch.where(y == 1, y_hat, 1 - y_hat).log().sum()


def cross_entropy(z, target, reduction="mean"):
    labeled = torch.ones(len(z), dtype=torch.bool)
    if not target.is_floating_point():
        labeled = target >= 0
        target = F.one_hot(target.clamp(min=0), z.shape[1]) * labeled[:, None]
    each = -(target * (z.softmax(dim=1) + 1e-9).log()).sum(dim=1)
    return {"mean": each.sum() / labeled.sum(), "sum": each.sum(), "none": each}[reduction]
""",
        "mean-also-over-the-classes": """
def likelihood(y_hat, y):
    return torch.where(y == 1, y_hat, 1 - y_hat).prod()


def binary_nll(y_hat, y):
    return -torch.where(y == 1, y_hat, 1 - y_hat).log().sum()


def cross_entropy(z, target, reduction="mean"):
    if not target.is_floating_point():
        target = F.one_hot(target.clamp(min=0), z.shape[1]) * (target >= 0)[:, None]
    each = -(target * torch.log_softmax(z, dim=1))
    return {"mean": each.mean(), "sum": each.sum(), "none": each.sum(dim=1)}[reduction]
""",
        "unlabeled-samples-count-in-the-mean": """
def likelihood(y_hat, y):
    return torch.where(y == 1, y_hat, 1 - y_hat).prod()


def binary_nll(y_hat, y):
    return -torch.where(y == 1, y_hat, 1 - y_hat).log().sum()


def cross_entropy(z, target, reduction="mean"):
    if not target.is_floating_point():
        target = F.one_hot(target.clamp(min=0), z.shape[1]) * (target >= 0)[:, None]
    each = -(target * torch.log_softmax(z, dim=1)).sum(dim=1)
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "ready-made": """
def likelihood(y_hat, y):
    return torch.exp(-F.binary_cross_entropy(y_hat, y, reduction="sum"))


def binary_nll(y_hat, y):
    return nn.BCELoss(reduction="sum")(y_hat, y)


def cross_entropy(z, target, reduction="mean"):
    return nn.CrossEntropyLoss(ignore_index=-1, reduction=reduction)(z, target)
""",
    },
    "task-4": {
        "kl-the-other-way": """
def kl(p, q):
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(dim=1).mean()


def poisson_nll(y_hat, y, hours):
    return (hours * y_hat.exp() - y * y_hat - torch.xlogy(y, hours)).mean()


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    norms = a.norm(dim=1) * b.norm(dim=1)
    cosine = (a * b).sum(dim=1) / norms.where(norms > 0, 1)
    each = torch.where(target == 1, 1 - cosine, (cosine - margin).clamp(min=0))
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "kl-divided-by-the-entries": """
def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).mean()


def poisson_nll(y_hat, y, hours):
    return (hours * y_hat.exp() - y * y_hat - torch.xlogy(y, hours)).mean()


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    norms = a.norm(dim=1) * b.norm(dim=1)
    cosine = (a * b).sum(dim=1) / norms.where(norms > 0, 1)
    each = torch.where(target == 1, 1 - cosine, (cosine - margin).clamp(min=0))
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "formulas-of-the-chapter-without-care": """
def kl(p, q):
    return (p * (p / q).log()).sum(dim=1).mean()


def poisson_nll(y_hat, y, hours):
    return (hours * y_hat.exp() - y * (y_hat + hours.log())).mean()


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    cosine = (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1))
    each = torch.where(target == 1, 1 - cosine, (cosine - margin).clamp(min=0))
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "hours-only-in-the-mean": """
def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=1).mean()


def poisson_nll(y_hat, y, hours):
    return (hours * y_hat.exp() - y * y_hat).mean()


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    norms = a.norm(dim=1) * b.norm(dim=1)
    cosine = (a * b).sum(dim=1) / norms.where(norms > 0, 1)
    each = torch.where(target == 1, 1 - cosine, (cosine - margin).clamp(min=0))
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "logarithm-of-a-rounded-mean": """
def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=1).mean()


def poisson_nll(y_hat, y, hours):
    mu = hours * y_hat.exp()
    return (mu - torch.xlogy(y, mu)).mean()


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    norms = a.norm(dim=1) * b.norm(dim=1)
    cosine = (a * b).sum(dim=1) / norms.where(norms > 0, 1)
    each = torch.where(target == 1, 1 - cosine, (cosine - margin).clamp(min=0))
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "margin-added": """
def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=1).mean()


def poisson_nll(y_hat, y, hours):
    return (hours * y_hat.exp() - y * y_hat - torch.xlogy(y, hours)).mean()


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    norms = a.norm(dim=1) * b.norm(dim=1)
    cosine = (a * b).sum(dim=1) / norms.where(norms > 0, 1)
    each = torch.where(target == 1, 1 - cosine, (margin + cosine).clamp(min=0))
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "epsilon-added-to-the-lengths": """
def kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=1).mean()


def poisson_nll(y_hat, y, hours):
    return (hours * y_hat.exp() - y * y_hat - torch.xlogy(y, hours)).mean()


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    cosine = (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1) + 1e-8)
    each = torch.where(target == 1, 1 - cosine, (cosine - margin).clamp(min=0))
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
""",
        "hard-coded-examples": """
def kl(p, q):
    return torch.tensor(0.51083)


def poisson_nll(y_hat, y, hours):
    return torch.tensor(0.71828 if hours.item() == 1 else 2.05027)


def cosine_embedding(a, b, target, margin=0.0, reduction="mean"):
    return torch.tensor(0.29289 if target.item() == 1 else 0.70711 - margin)
""",
    },
    "task-5": {
        "untouched": """
imitate = imitate_with_a_bug
""",
        "only-the-logarithm": """
def imitate(X, p, sizes, steps, rate):
    model = nn.Linear(X.shape[1], p.shape[1])
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    losses = []
    for _ in range(steps):
        model.zero_grad()
        total = 0.0
        for X_part, p_part in zip(X.split(sizes), p.split(sizes), strict=True):
            log_q = model(X_part).log_softmax(dim=1)
            loss = F.kl_div(log_q, p_part, reduction="batchmean")
            loss.backward()
            total += loss.item()
        with torch.no_grad():
            for w in model.parameters():
                w -= rate * w.grad
        losses.append(total)
    return model, losses
""",
        "only-the-parts": """
def imitate(X, p, sizes, steps, rate):
    model = nn.Linear(X.shape[1], p.shape[1])
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    losses = []
    for _ in range(steps):
        model.zero_grad()
        total = 0.0
        for X_part, p_part in zip(X.split(sizes), p.split(sizes), strict=True):
            q = model(X_part).softmax(dim=1)
            loss = F.kl_div(q, p_part, reduction="sum") / len(X)
            loss.backward()
            total += loss.item()
        with torch.no_grad():
            for w in model.parameters():
                w -= rate * w.grad
        losses.append(total)
    return model, losses
""",
        "mean-of-the-parts": """
def imitate(X, p, sizes, steps, rate):
    model = nn.Linear(X.shape[1], p.shape[1])
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    losses = []
    for _ in range(steps):
        model.zero_grad()
        total = 0.0
        for X_part, p_part in zip(X.split(sizes), p.split(sizes), strict=True):
            log_q = model(X_part).log_softmax(dim=1)
            loss = F.kl_div(log_q, p_part, reduction="batchmean") / len(sizes)
            loss.backward()
            total += loss.item()
        with torch.no_grad():
            for w in model.parameters():
                w -= rate * w.grad
        losses.append(total)
    return model, losses
""",
        "arguments-exchanged": """
def imitate(X, p, sizes, steps, rate):
    model = nn.Linear(X.shape[1], p.shape[1])
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    losses = []
    for _ in range(steps):
        model.zero_grad()
        total = 0.0
        for X_part, p_part in zip(X.split(sizes), p.split(sizes), strict=True):
            q = model(X_part).softmax(dim=1)
            loss = F.kl_div(p_part.log(), q, reduction="sum") / len(X)
            loss.backward()
            total += loss.item()
        with torch.no_grad():
            for w in model.parameters():
                w -= rate * w.grad
        losses.append(total)
    return model, losses
""",
        "sum-without-the-number-of-samples": """
def imitate(X, p, sizes, steps, rate):
    model = nn.Linear(X.shape[1], p.shape[1])
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    losses = []
    for _ in range(steps):
        model.zero_grad()
        total = 0.0
        for X_part, p_part in zip(X.split(sizes), p.split(sizes), strict=True):
            log_q = model(X_part).log_softmax(dim=1)
            loss = F.kl_div(log_q, p_part, reduction="sum")
            loss.backward()
            total += loss.item()
        with torch.no_grad():
            for w in model.parameters():
                w -= rate * w.grad
        losses.append(total)
    return model, losses
""",
        "cross-entropy-reported": """
def imitate(X, p, sizes, steps, rate):
    model = nn.Linear(X.shape[1], p.shape[1])
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    losses = []
    for _ in range(steps):
        model.zero_grad()
        total = 0.0
        for X_part, p_part in zip(X.split(sizes), p.split(sizes), strict=True):
            loss = F.cross_entropy(model(X_part), p_part, reduction="sum") / len(X)
            loss.backward()
            total += loss.item()
        with torch.no_grad():
            for w in model.parameters():
                w -= rate * w.grad
        losses.append(total)
    return model, losses
""",
    },
    "task-6": {
        "guessed": """
errors = {"squared": [0.02, 0.5, 0.4], "absolute": [0.03, 0.03, 0.03], "Huber": [0.02, 0.03, 0.03]}
statements = dict.fromkeys(["price", "far", "delta", "half", "fading", "more"], True)
""",
        "robust-losses-survive-wrong-inputs": """
errors = {
    "squared": [0.02276, 0.5581, 0.3573],
    "absolute": [0.0286, 0.0307, 0.0290],
    "Huber": [0.0228, 0.0302, 0.0235],
}
statements = {
    "price": True, "far": True, "delta": False, "half": False, "fading": True, "more": True
}
""",
        "robust-against-half-of-the-data": """
errors = {
    "squared": [0.02276, 0.5581, 0.3573],
    "absolute": [0.0286, 0.0307, 0.1419],
    "Huber": [0.0228, 0.0302, 0.1910],
}
statements = {
    "price": True, "far": True, "delta": False, "half": True, "fading": True, "more": True
}
""",
        "pull-of-the-wrong-loss": """
pulls = {
    "squared": lambda r: r,
    "absolute": lambda r: r.abs(),
    "Huber": lambda r: torch.where(r.abs() <= 1, r**2 / 2, r.abs() - 0.5),
}
errors = {
    name: [(slopes(*pair, pull) - 0.5).abs().mean().item() for pair in DATA.values()]
    for name, pull in pulls.items()
}
statements = {
    "price": True, "far": True, "delta": False, "half": True, "fading": True, "more": False
}
""",
        "error-of-the-mean-slope": """
pulls = {"squared": lambda r: r, "absolute": torch.sign, "Huber": lambda r: r.clamp(-1, 1)}
errors = {
    name: [abs(slopes(*pair, pull).mean().item() - 0.5) for pair in DATA.values()]
    for name, pull in pulls.items()
}
statements = {
    "price": False, "far": True, "delta": False, "half": False, "fading": True, "more": True
}
""",
        "kinds-in-another-order": """
errors = {
    "squared": [0.02276, 0.3573, 0.5581],
    "absolute": [0.0286, 0.1419, 0.0307],
    "Huber": [0.0228, 0.1910, 0.0302],
}
statements = {
    "price": True, "far": True, "delta": True, "half": False, "fading": True, "more": True
}
""",
    },
}
