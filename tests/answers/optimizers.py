"""Planted answers to ``solutions/optimizers``; ``tests/test_assignments.py`` grades them.

The wrong answers carry the misconception in their name.
"""

CORRECT = {
    "task-1": {
        "loop-over-firsts": """
def one_pass(X, y, theta, lr, batch, order):
    n, path = len(X), [theta.clone()]
    for first in range(0, n, batch):
        picked = order[first : first + batch]
        part, target = X[picked], y[picked]
        theta = theta - lr * ((part @ theta - target)[:, None] * part).mean(dim=0)
        path.append(theta)
    return torch.stack(path)
""",
        "autograd": """
def one_pass(X, y, theta, lr, batch, order):
    theta = theta.detach().clone().requires_grad_()
    path = [theta.detach().clone()]
    for rows in torch.split(order, batch):
        loss = (X[rows] @ theta - y[rows]).square().mean() / 2
        (slope,) = torch.autograd.grad(loss, theta)
        with torch.no_grad():
            theta -= lr * slope
        path.append(theta.detach().clone())
    return torch.stack(path)
""",
    },
    "task-2": {
        "dictionary-and-data": """
class Momentum:
    def __init__(self, params, lr, mu=0.9, nesterov=False):
        self.params, self.lr = tuple(params), lr
        self.mu, self.nesterov, self.state = mu, nesterov, {}

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    def step(self, closure=None):
        loss = closure() if closure else None
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = p.grad.detach()
            self.state[i] = self.mu * self.state.get(i, 0) + g
            move = g + self.mu * self.state[i] if self.nesterov else self.state[i]
            p.data = p.data - self.lr * move
        return loss
""",
        "no-grad-with-enable-grad": """
class Momentum:
    def __init__(self, params, lr, mu=0.9, nesterov=False):
        self.lr, self.mu, self.nesterov = lr, mu, nesterov
        self.pairs = [(p, torch.zeros_like(p, requires_grad=False)) for p in params]

    def zero_grad(self):
        for p, _ in self.pairs:
            p.grad = None

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for p, v in self.pairs:
            if p.grad is None:
                continue
            v.copy_(self.mu * v + p.grad)
            if self.nesterov:
                p.sub_(self.lr * p.grad + self.lr * self.mu * v)
            else:
                p.sub_(self.lr * v)
        return loss
""",
    },
    "task-3": {
        "one-loop-and-small-rules": """
def _run(g, rule):
    state, steps = {}, torch.empty_like(g)
    for t in range(len(g)):
        steps[t] = rule(state, g[t], t + 1)
    return steps


def _average(state, name, value, gamma):
    state[name] = gamma * state.get(name, 0) + (1 - gamma) * value
    return state[name]


def adagrad(g, lr, start=0.0, eps=1e-10):
    def rule(state, now, t):
        state["G"] = state.get("G", start) + now.square()
        return -lr / (state["G"].sqrt() + eps) * now

    return _run(g, rule)


def rmsprop(g, lr, gamma=0.9, centered=False, eps=1e-8):
    def rule(state, now, t):
        G = _average(state, "G", now.square(), gamma)
        if centered:
            G = G - _average(state, "a", now, gamma) ** 2
        return -lr * now / (G**0.5 + eps)

    return _run(g, rule)


def adadelta(g, lr=1.0, gamma=0.9, eps=1e-6):
    def rule(state, now, t):
        G = _average(state, "G", now.square(), gamma)
        step = -((state.get("D", 0) + eps) ** 0.5) / (G + eps) ** 0.5 * now
        _average(state, "D", step.square(), gamma)
        return lr * step

    return _run(g, rule)


def adam(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    def rule(state, now, t):
        m = _average(state, "m", now, gamma1) / (1 - gamma1**t)
        v = _average(state, "v", now.square(), gamma2) / (1 - gamma2**t)
        return -lr * m / (v**0.5 + eps)

    return _run(g, rule)


def nadam(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    def rule(state, now, t):
        m = _average(state, "m", now, gamma1) / (1 - gamma1**t)
        v = _average(state, "v", now.square(), gamma2) / (1 - gamma2**t)
        n = gamma1 * m + (1 - gamma1) * now / (1 - gamma1**t)
        return -lr * n / (v**0.5 + eps)

    return _run(g, rule)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    def rule(state, now, t):
        state["u"] = torch.maximum(gamma2 * state.get("u", 0 * now), now.abs() + eps)
        return -lr * _average(state, "m", now, gamma1) / ((1 - gamma1**t) * state["u"])

    return _run(g, rule)
""",
        "weights-of-the-past": """
def _averages(x, gamma):
    t = torch.arange(len(x), dtype=x.dtype)
    back = t[:, None] - t
    weights = torch.where(back >= 0, (1 - gamma) * gamma ** back.clamp(min=0), 0.0)
    return (weights @ x.reshape(len(x), -1)).reshape(x.shape)


def _corrected(x, gamma):
    t = torch.arange(1, len(x) + 1, dtype=x.dtype)
    return _averages(x, gamma) / (1 - gamma**t).reshape(-1, *[1] * (x.ndim - 1))


def adagrad(g, lr, start=0.0, eps=1e-10):
    return -lr * g / (torch.sqrt(torch.cumsum(g * g, 0) + start) + eps)


def rmsprop(g, lr, gamma=0.9, centered=False, eps=1e-8):
    G = _averages(g * g, gamma)
    if centered:
        G = G - _averages(g, gamma) ** 2
    return -lr * g / (G.clamp(min=0).sqrt() + eps)


def adadelta(g, lr=1.0, gamma=0.9, eps=1e-6):
    roots, D, steps = (_averages(g * g, gamma) + eps).sqrt(), 0 * g[0], []
    for now, root in zip(g, roots, strict=True):
        steps.append(-(D + eps).sqrt() * now / root)
        D = gamma * D + (1 - gamma) * steps[-1] ** 2
    return lr * torch.stack(steps)


def adam(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    return -lr * _corrected(g, gamma1) / (_corrected(g * g, gamma2).sqrt() + eps)


def nadam(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    t = torch.arange(1, len(g) + 1, dtype=g.dtype).reshape(-1, *[1] * (g.ndim - 1))
    n = gamma1 * _corrected(g, gamma1) + (1 - gamma1) * g / (1 - gamma1**t)
    return -lr * n / (_corrected(g * g, gamma2).sqrt() + eps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    u = [g[0].abs() + eps]
    for now in g[1:]:
        u.append((u[-1] * gamma2).max(now.abs() + eps))
    return -lr * _corrected(g, gamma1) / torch.stack(u)
""",
    },
    "task-4": {
        "chained-schedulers": """
def make_optimizer(model, lr, classifier_lr, momentum=0.9):
    head, rest = [], []
    for name, p in model.named_parameters():
        if p.requires_grad:
            (head if name.startswith("classifier.") else rest).append(p)
    optimizer = torch.optim.SGD(rest, lr=lr, momentum=momentum)
    optimizer.add_param_group({"params": head, "lr": classifier_lr})
    return optimizer


def _after_warmup(optimizer, warmup, start, later):
    if warmup == 0:
        return later
    climb = torch.optim.lr_scheduler.LinearLR(optimizer, start, 1.0, total_iters=warmup)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, [climb, later], [warmup])


def warm_cosine(optimizer, warmup, total, start=0.1):
    later = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total - warmup)
    return _after_warmup(optimizer, warmup, start, later)


def warm_milestones(optimizer, warmup, milestones, factor=0.1, start=0.1):
    left = [m - warmup for m in milestones]
    later = torch.optim.lr_scheduler.MultiStepLR(optimizer, left, gamma=factor)
    return _after_warmup(optimizer, warmup, start, later)
""",
        "own-class": """
class _Schedule:
    def __init__(self, optimizer, share):
        self.groups, self.share, self.t = optimizer.param_groups, share, -1
        self.first = [group["lr"] for group in self.groups]
        self.step()

    def step(self):
        self.t += 1
        for group, first in zip(self.groups, self.first, strict=True):
            group["lr"] = first * self.share(self.t)


def make_optimizer(model, lr, classifier_lr, momentum=0.9):
    own = list(model.classifier.parameters())
    rest = [p for p in model.parameters() if not any(p is q for q in own)]
    groups = [{"params": [p for p in part if p.requires_grad]} for part in (rest, own)]
    groups[1]["lr"] = classifier_lr
    return torch.optim.SGD(groups, lr, momentum)


def _climb(t, warmup, start):
    return torch.lerp(torch.tensor(start), torch.tensor(1.0), t / warmup).item()


def warm_cosine(optimizer, warmup, total, start=0.1):
    def share(t):
        done = (t - warmup) / (total - warmup)
        return _climb(t, warmup, start) if t < warmup else 0.5 + 0.5 * math.cos(math.pi * done)

    return _Schedule(optimizer, share)


def warm_milestones(optimizer, warmup, milestones, factor=0.1, start=0.1):
    def share(t):
        passed = [m for m in milestones if t >= m]
        return _climb(t, warmup, start) if t < warmup else factor ** len(passed)

    return _Schedule(optimizer, share)
""",
    },
    "task-5": {
        "without-a-closure": """
def train_mended(X, y, epochs, batch, lr, generator):
    theta = torch.zeros(X.shape[1], dtype=X.dtype, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=lr)
    total = epochs * len(range(0, len(X), batch))
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
    rates = []
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=generator).split(batch):
            rates += scheduler.get_last_lr()
            loss = ((X[rows] @ theta - y[rows]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    return theta.detach(), rates
""",
        "rate-set-by-hand": """
def train_mended(X, y, epochs, batch, lr, generator):
    theta = X.new_zeros(X.shape[1]).requires_grad_()
    optimizer, rates = torch.optim.Adam([theta], lr=lr), []
    orders = [torch.randperm(len(X), generator=generator).split(batch) for _ in range(epochs)]
    parts = [rows for order in orders for rows in order]
    for t, rows in enumerate(parts):
        rates.append(lr * (1 + math.cos(math.pi * t / len(parts))) / 2)
        optimizer.param_groups[0]["lr"] = rates[-1]
        theta.grad = 2 * X[rows].T @ (X[rows] @ theta.detach() - y[rows]) / len(rows)
        optimizer.step()
    return theta.detach(), rates
""",
    },
    "task-6": {
        "typed-in": """
at_one_rate = {"SGD": 459, "momentum": 59, "RMSprop": 104, "Adam": 213}
tuned = {"SGD": 459, "momentum": 59, "RMSprop": 6, "Adam": 31}
tuned_turned = {"SGD": 459, "momentum": 59, "RMSprop": 230, "Adam": 88}
statements = {
    "order": False,
    "winner": False,
    "blind": True,
    "axes": True,
    "scale_adam": True,
    "scale_momentum": False,
}
""",
        "loops": """
at_one_rate, tuned, tuned_turned = {}, {}, {}
for name in METHODS:
    at_one_rate[name] = steps_needed(name, 0.01)
    for degrees, table in ((0.0, tuned), (45.0, tuned_turned)):
        table[name] = 800
        for lr in RATES:
            table[name] = min(table[name], steps_needed(name, lr, degrees))
statements = dict(
    order=False, winner=False, blind=True, axes=True, scale_adam=True, scale_momentum=False
)
""",
    },
}

WRONG = {
    "task-1": {
        "sum-instead-of-mean": """
def one_pass(X: Tensor, y: Tensor, theta: Tensor, lr: float, batch: int, order: Tensor) -> Tensor:
    path = [theta]
    for rows in order.split(batch):
        errors = X[rows] @ path[-1] - y[rows]
        path.append(path[-1] - lr * (X[rows].T @ errors))
    return torch.stack(path)
""",
        "always-divided-by-batch": """
def one_pass(X: Tensor, y: Tensor, theta: Tensor, lr: float, batch: int, order: Tensor) -> Tensor:
    path = [theta]
    for rows in order.split(batch):
        errors = X[rows] @ path[-1] - y[rows]
        path.append(path[-1] - lr * (X[rows].T @ errors) / batch)
    return torch.stack(path)
""",
        "last-batch-dropped": """
def one_pass(X: Tensor, y: Tensor, theta: Tensor, lr: float, batch: int, order: Tensor) -> Tensor:
    path = [theta]
    for rows in order.split(batch):
        if len(rows) < batch:
            break
        errors = X[rows] @ path[-1] - y[rows]
        path.append(path[-1] - lr * (X[rows].T @ errors) / len(rows))
    return torch.stack(path)
""",
        "order-ignored": """
def one_pass(X: Tensor, y: Tensor, theta: Tensor, lr: float, batch: int, order: Tensor) -> Tensor:
    path = [theta]
    for rows in torch.arange(len(X)).split(batch):
        errors = X[rows] @ path[-1] - y[rows]
        path.append(path[-1] - lr * (X[rows].T @ errors) / len(rows))
    return torch.stack(path)
""",
        "one-gradient-for-the-whole-pass": """
def one_pass(X: Tensor, y: Tensor, theta: Tensor, lr: float, batch: int, order: Tensor) -> Tensor:
    path = [theta]
    for rows in order.split(batch):
        errors = X[rows] @ theta - y[rows]
        path.append(path[-1] - lr * (X[rows].T @ errors) / len(rows))
    return torch.stack(path)
""",
        "example-typed-in": """
def one_pass(X, y, theta, lr, batch, order):
    return torch.tensor([[0.0, 0.0], [1.0, 0.75], [1.0, 1.25]])
""",
    },
    "task-2": {
        "rate-inside-the-sum": """
class Momentum:
    def __init__(
        self, params: Iterable[Tensor], lr: float, mu: float = 0.9, nesterov: bool = False
    ):
        self.lr = lr
        self.params, self.mu, self.nesterov = list(params), mu, nesterov
        self.v = [torch.zeros_like(p) for p in self.params]

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        loss = None if closure is None else closure()
        with torch.no_grad():
            for p, v in zip(self.params, self.v, strict=True):
                if p.grad is not None:
                    v.mul_(self.mu).add_(self.lr * p.grad)
                    p -= self.lr * p.grad + self.mu * v if self.nesterov else v
        return loss
""",
        "leaky-average": """
class Momentum:
    def __init__(
        self, params: Iterable[Tensor], lr: float, mu: float = 0.9, nesterov: bool = False
    ):
        self.lr = lr
        self.params, self.mu, self.nesterov = list(params), mu, nesterov
        self.v = [torch.zeros_like(p) for p in self.params]

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        loss = None if closure is None else closure()
        with torch.no_grad():
            for p, v in zip(self.params, self.v, strict=True):
                if p.grad is not None:
                    v.mul_(self.mu).add_((1 - self.mu) * p.grad)
                    p -= self.lr * (p.grad + self.mu * v if self.nesterov else v)
        return loss
""",
        "one-velocity-for-all": """
class Momentum:
    def __init__(
        self, params: Iterable[Tensor], lr: float, mu: float = 0.9, nesterov: bool = False
    ):
        self.lr = lr
        self.params, self.mu, self.nesterov = list(params), mu, nesterov
        self.v = [0.0]

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        loss = None if closure is None else closure()
        with torch.no_grad():
            for p in self.params:
                if p.grad is not None:
                    v = self.v[0] = self.mu * self.v[0] + p.grad.mean()
                    p -= self.lr * (p.grad + self.mu * v if self.nesterov else v)
        return loss
""",
        "generator-read-twice": """
class Momentum:
    def __init__(
        self, params: Iterable[Tensor], lr: float, mu: float = 0.9, nesterov: bool = False
    ):
        self.lr = lr
        self.params, self.mu, self.nesterov = params, mu, nesterov
        self.v = [torch.zeros_like(p) for p in params]

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        loss = None if closure is None else closure()
        with torch.no_grad():
            for p, v in zip(self.params, self.v, strict=True):
                if p.grad is not None:
                    v.mul_(self.mu).add_(p.grad)
                    p -= self.lr * (p.grad + self.mu * v if self.nesterov else v)
        return loss
""",
        "nesterov-without-the-gradient": """
class Momentum:
    def __init__(
        self, params: Iterable[Tensor], lr: float, mu: float = 0.9, nesterov: bool = False
    ):
        self.lr = lr
        self.params, self.mu, self.nesterov = list(params), mu, nesterov
        self.v = [torch.zeros_like(p) for p in self.params]

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        loss = None if closure is None else closure()
        with torch.no_grad():
            for p, v in zip(self.params, self.v, strict=True):
                if p.grad is not None:
                    v.mul_(self.mu).add_(p.grad)
                    p -= self.lr * ((1 + self.mu) * v if self.nesterov else v)
        return loss
""",
        "no-autograd-in-the-closure": """
class Momentum:
    def __init__(
        self, params: Iterable[Tensor], lr: float, mu: float = 0.9, nesterov: bool = False
    ):
        self.lr = lr
        self.params, self.mu, self.nesterov = list(params), mu, nesterov
        self.v = [torch.zeros_like(p) for p in self.params]

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        loss = None if closure is None else closure()
        with torch.no_grad():
            for p, v in zip(self.params, self.v, strict=True):
                if p.grad is not None:
                    v.mul_(self.mu).add_(p.grad)
                    p -= self.lr * (p.grad + self.mu * v if self.nesterov else v)
        return loss
""",
        "closure-after-the-step": """
class Momentum:
    def __init__(
        self, params: Iterable[Tensor], lr: float, mu: float = 0.9, nesterov: bool = False
    ):
        self.lr = lr
        self.params, self.mu, self.nesterov = list(params), mu, nesterov
        self.v = [torch.zeros_like(p) for p in self.params]

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        with torch.no_grad():
            for p, v in zip(self.params, self.v, strict=True):
                if p.grad is not None:
                    v.mul_(self.mu).add_(p.grad)
                    p -= self.lr * (p.grad + self.mu * v if self.nesterov else v)
        return None if closure is None else closure()
""",
    },
    "task-3": {
        "eps-inside-the-roots": """
def adagrad(g: Tensor, lr: float, start: float = 0.0, eps: float = 1e-10) -> Tensor:
    return -lr * g / ((start + (g**2).cumsum(dim=0) + eps).sqrt())


def rmsprop(
    g: Tensor, lr: float, gamma: float = 0.9, centered: bool = False, eps: float = 1e-8
) -> Tensor:
    steps, G, a = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        a = gamma * a + (1 - gamma) * now
        steps.append(-lr * now / ((G - a**2 if centered else G) + eps).sqrt())
    return torch.stack(steps)


def adadelta(g: Tensor, lr: float = 1.0, gamma: float = 0.9, eps: float = 1e-6) -> Tensor:
    steps, G, D = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        step = -((D + eps) / (G + eps)).sqrt() * now
        D = gamma * D + (1 - gamma) * step**2
        steps.append(lr * step)
    return torch.stack(steps)


def adam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        root = (v / (1 - gamma2**t) + eps**2).sqrt()
        steps.append(-lr * m / (1 - gamma1**t) / (root + eps))
    return torch.stack(steps)


def nadam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        ahead = (gamma1 * m + (1 - gamma1) * now) / (1 - gamma1**t)
        steps.append(-lr * ahead / ((v / (1 - gamma2**t) + eps**2).sqrt() + eps))
    return torch.stack(steps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    steps, m, u = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, u = gamma1 * m + (1 - gamma1) * now, torch.maximum(gamma2 * u, now.abs() + eps)
        steps.append(-lr * m / (1 - gamma1**t) / u)
    return torch.stack(steps)
""",
        "no-bias-correction": """
def adagrad(g: Tensor, lr: float, start: float = 0.0, eps: float = 1e-10) -> Tensor:
    return -lr * g / ((start + (g**2).cumsum(dim=0)).sqrt() + eps)


def rmsprop(
    g: Tensor, lr: float, gamma: float = 0.9, centered: bool = False, eps: float = 1e-8
) -> Tensor:
    steps, G, a = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        a = gamma * a + (1 - gamma) * now
        steps.append(-lr * now / ((G - a**2 if centered else G).sqrt() + eps))
    return torch.stack(steps)


def adadelta(g: Tensor, lr: float = 1.0, gamma: float = 0.9, eps: float = 1e-6) -> Tensor:
    steps, G, D = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        step = -((D + eps) / (G + eps)).sqrt() * now
        D = gamma * D + (1 - gamma) * step**2
        steps.append(lr * step)
    return torch.stack(steps)


def adam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        root = v.sqrt()
        steps.append(-lr * m / (root + eps))
    return torch.stack(steps)


def nadam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        ahead = (gamma1 * m + (1 - gamma1) * now) / (1 - gamma1**t)
        steps.append(-lr * ahead / (v.sqrt() + eps))
    return torch.stack(steps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    steps, m, u = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, u = gamma1 * m + (1 - gamma1) * now, torch.maximum(gamma2 * u, now.abs() + eps)
        steps.append(-lr * m / u)
    return torch.stack(steps)
""",
        "only-the-first-average-corrected": """
def adagrad(g: Tensor, lr: float, start: float = 0.0, eps: float = 1e-10) -> Tensor:
    return -lr * g / ((start + (g**2).cumsum(dim=0)).sqrt() + eps)


def rmsprop(
    g: Tensor, lr: float, gamma: float = 0.9, centered: bool = False, eps: float = 1e-8
) -> Tensor:
    steps, G, a = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        a = gamma * a + (1 - gamma) * now
        steps.append(-lr * now / ((G - a**2 if centered else G).sqrt() + eps))
    return torch.stack(steps)


def adadelta(g: Tensor, lr: float = 1.0, gamma: float = 0.9, eps: float = 1e-6) -> Tensor:
    steps, G, D = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        step = -((D + eps) / (G + eps)).sqrt() * now
        D = gamma * D + (1 - gamma) * step**2
        steps.append(lr * step)
    return torch.stack(steps)


def adam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        root = v.sqrt()
        steps.append(-lr * m / (1 - gamma1**t) / (root + eps))
    return torch.stack(steps)


def nadam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        ahead = (gamma1 * m + (1 - gamma1) * now) / (1 - gamma1**t)
        steps.append(-lr * ahead / (v.sqrt() + eps))
    return torch.stack(steps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    steps, m, u = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, u = gamma1 * m + (1 - gamma1) * now, torch.maximum(gamma2 * u, now.abs() + eps)
        steps.append(-lr * m / (1 - gamma1**t) / (u / (1 - gamma2**t)))
    return torch.stack(steps)
""",
        "average-squared-again": """
def adagrad(g: Tensor, lr: float, start: float = 0.0, eps: float = 1e-10) -> Tensor:
    return -lr * g / ((start + (g**2).cumsum(dim=0)).sqrt() + eps)


def rmsprop(
    g: Tensor, lr: float, gamma: float = 0.9, centered: bool = False, eps: float = 1e-8
) -> Tensor:
    steps, G, a = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G**2 + (1 - gamma) * now**2
        a = gamma * a + (1 - gamma) * now
        steps.append(-lr * now / ((G - a**2 if centered else G).sqrt() + eps))
    return torch.stack(steps)


def adadelta(g: Tensor, lr: float = 1.0, gamma: float = 0.9, eps: float = 1e-6) -> Tensor:
    steps, G, D = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G**2 + (1 - gamma) * now**2
        step = -((D + eps) / (G + eps)).sqrt() * now
        D = gamma * D + (1 - gamma) * step**2
        steps.append(lr * step)
    return torch.stack(steps)


def adam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        root = (v / (1 - gamma2**t)).sqrt()
        steps.append(-lr * m / (1 - gamma1**t) / (root + eps))
    return torch.stack(steps)


def nadam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        ahead = (gamma1 * m + (1 - gamma1) * now) / (1 - gamma1**t)
        steps.append(-lr * ahead / ((v / (1 - gamma2**t)).sqrt() + eps))
    return torch.stack(steps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    steps, m, u = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, u = gamma1 * m + (1 - gamma1) * now, torch.maximum((gamma2 * u) ** 2, now.abs() + eps)
        steps.append(-lr * m / (1 - gamma1**t) / u)
    return torch.stack(steps)
""",
        "sum-over-the-parameters": """
def adagrad(g: Tensor, lr: float, start: float = 0.0, eps: float = 1e-10) -> Tensor:
    return -lr * g / ((start + (g**2).sum(dim=-1, keepdim=True)).sqrt() + eps)


def rmsprop(
    g: Tensor, lr: float, gamma: float = 0.9, centered: bool = False, eps: float = 1e-8
) -> Tensor:
    steps, G, a = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        a = gamma * a + (1 - gamma) * now
        steps.append(-lr * now / ((G - a**2 if centered else G).sqrt() + eps))
    return torch.stack(steps)


def adadelta(g: Tensor, lr: float = 1.0, gamma: float = 0.9, eps: float = 1e-6) -> Tensor:
    steps, G, D = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        step = -((D + eps) / (G + eps)).sqrt() * now
        D = gamma * D + (1 - gamma) * step**2
        steps.append(lr * step)
    return torch.stack(steps)


def adam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        root = (v / (1 - gamma2**t)).sqrt()
        steps.append(-lr * m / (1 - gamma1**t) / (root + eps))
    return torch.stack(steps)


def nadam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        ahead = (gamma1 * m + (1 - gamma1) * now) / (1 - gamma1**t)
        steps.append(-lr * ahead / ((v / (1 - gamma2**t)).sqrt() + eps))
    return torch.stack(steps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    steps, m, u = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, u = gamma1 * m + (1 - gamma1) * now, torch.maximum(gamma2 * u, now.abs().amax() + eps)
        steps.append(-lr * m / (1 - gamma1**t) / u)
    return torch.stack(steps)
""",
        "adadelta-does-not-remember-its-steps": """
def adagrad(g: Tensor, lr: float, start: float = 0.0, eps: float = 1e-10) -> Tensor:
    return -lr * g / ((start + (g**2).cumsum(dim=0)).sqrt() + eps)


def rmsprop(
    g: Tensor, lr: float, gamma: float = 0.9, centered: bool = False, eps: float = 1e-8
) -> Tensor:
    steps, G, a = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        a = gamma * a + (1 - gamma) * now
        steps.append(-lr * now / ((G - a**2 if centered else G).sqrt() + eps))
    return torch.stack(steps)


def adadelta(g: Tensor, lr: float = 1.0, gamma: float = 0.9, eps: float = 1e-6) -> Tensor:
    steps, G, D = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        step = -((D + eps) / (G + eps)).sqrt() * now
        D = gamma * D + (1 - gamma) * now**2
        steps.append(lr * step)
    return torch.stack(steps)


def adam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        root = (v / (1 - gamma2**t)).sqrt()
        steps.append(-lr * m / (1 - gamma1**t) / (root + eps))
    return torch.stack(steps)


def nadam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        ahead = (gamma1 * m + (1 - gamma1) * now) / (1 - gamma1**t)
        steps.append(-lr * ahead / ((v / (1 - gamma2**t)).sqrt() + eps))
    return torch.stack(steps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    steps, m, u = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, u = gamma1 * m + (1 - gamma1) * now, torch.maximum(gamma2 * u, now.abs() + eps)
        steps.append(-lr * m / (1 - gamma1**t) / u)
    return torch.stack(steps)
""",
        "adadelta-averages-what-it-returns": """
def adagrad(g: Tensor, lr: float, start: float = 0.0, eps: float = 1e-10) -> Tensor:
    return -lr * g / ((start + (g**2).cumsum(dim=0)).sqrt() + eps)


def rmsprop(
    g: Tensor, lr: float, gamma: float = 0.9, centered: bool = False, eps: float = 1e-8
) -> Tensor:
    steps, G, a = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        a = gamma * a + (1 - gamma) * now
        steps.append(-lr * now / ((G - a**2 if centered else G).sqrt() + eps))
    return torch.stack(steps)


def adadelta(g: Tensor, lr: float = 1.0, gamma: float = 0.9, eps: float = 1e-6) -> Tensor:
    steps, G, D = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        step = -((D + eps) / (G + eps)).sqrt() * now * lr
        D = gamma * D + (1 - gamma) * step**2
        steps.append(step)
    return torch.stack(steps)


def adam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        root = (v / (1 - gamma2**t)).sqrt()
        steps.append(-lr * m / (1 - gamma1**t) / (root + eps))
    return torch.stack(steps)


def nadam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        ahead = (gamma1 * m + (1 - gamma1) * now) / (1 - gamma1**t)
        steps.append(-lr * ahead / ((v / (1 - gamma2**t)).sqrt() + eps))
    return torch.stack(steps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    steps, m, u = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, u = gamma1 * m + (1 - gamma1) * now, torch.maximum(gamma2 * u, now.abs() + eps)
        steps.append(-lr * m / (1 - gamma1**t) / u)
    return torch.stack(steps)
""",
        "centered-by-the-square-of-the-present": """
def adagrad(g: Tensor, lr: float, start: float = 0.0, eps: float = 1e-10) -> Tensor:
    return -lr * g / ((start + (g**2).cumsum(dim=0)).sqrt() + eps)


def rmsprop(
    g: Tensor, lr: float, gamma: float = 0.9, centered: bool = False, eps: float = 1e-8
) -> Tensor:
    steps, G, a = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        a = gamma * a + (1 - gamma) * now
        steps.append(-lr * now / (((G - now**2).abs() if centered else G).sqrt() + eps))
    return torch.stack(steps)


def adadelta(g: Tensor, lr: float = 1.0, gamma: float = 0.9, eps: float = 1e-6) -> Tensor:
    steps, G, D = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for now in g:
        G = gamma * G + (1 - gamma) * now**2
        step = -((D + eps) / (G + eps)).sqrt() * now
        D = gamma * D + (1 - gamma) * step**2
        steps.append(lr * step)
    return torch.stack(steps)


def adam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        root = (v / (1 - gamma2**t)).sqrt()
        steps.append(-lr * m / (1 - gamma1**t) / (root + eps))
    return torch.stack(steps)


def nadam(
    g: Tensor, lr: float, gamma1: float = 0.9, gamma2: float = 0.999, eps: float = 1e-8
) -> Tensor:
    steps, m, v = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, v = gamma1 * m + (1 - gamma1) * now, gamma2 * v + (1 - gamma2) * now**2
        ahead = (gamma1 * m + (1 - gamma1) * now) / (1 - gamma1**t)
        steps.append(-lr * ahead / ((v / (1 - gamma2**t)).sqrt() + eps))
    return torch.stack(steps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    steps, m, u = [], torch.zeros_like(g[0]), torch.zeros_like(g[0])
    for t, now in enumerate(g, 1):
        m, u = gamma1 * m + (1 - gamma1) * now, torch.maximum(gamma2 * u, now.abs() + eps)
        steps.append(-lr * m / (1 - gamma1**t) / u)
    return torch.stack(steps)
""",
        "steps-of-pytorch": """
def _taken(kind, g, **settings):
    p = torch.zeros_like(g[0])
    optimizer, steps = kind([p], **settings), []
    for now in g:
        p.zero_()
        p.grad = now.clone()
        optimizer.step()
        steps.append(p.clone())
    return torch.stack(steps)


def adagrad(g, lr, start=0.0, eps=1e-10):
    return _taken(torch.optim.Adagrad, g, lr=lr, initial_accumulator_value=start, eps=eps)


def rmsprop(g, lr, gamma=0.9, centered=False, eps=1e-8):
    return _taken(torch.optim.RMSprop, g, lr=lr, alpha=gamma, centered=centered, eps=eps)


def adadelta(g, lr=1.0, gamma=0.9, eps=1e-6):
    return _taken(torch.optim.Adadelta, g, lr=lr, rho=gamma, eps=eps)


def adam(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    return _taken(torch.optim.Adam, g, lr=lr, betas=(gamma1, gamma2), eps=eps)


def nadam(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    return _taken(torch.optim.NAdam, g, lr=lr, betas=(gamma1, gamma2), eps=eps)


def adamax(g, lr, gamma1=0.9, gamma2=0.999, eps=1e-8):
    return _taken(torch.optim.Adamax, g, lr=lr, betas=(gamma1, gamma2), eps=eps)
""",
    },
    "task-4": {
        "cosine-as-long-as-the-whole": """
def make_optimizer(
    model: nn.Module, lr: float, classifier_lr: float, momentum: float = 0.9
) -> torch.optim.SGD:
    head = {id(p) for p in model.classifier.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if id(p) not in head]},
        {"params": [p for p in trained if id(p) in head], "lr": classifier_lr},
    ]
    return torch.optim.SGD(groups, lr=lr, momentum=momentum)


def warm_cosine(optimizer, warmup, total, start=0.1):
    parts = [
        torch.optim.lr_scheduler.LinearLR(optimizer, start, 1.0, max(warmup, 1)),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total),
    ]
    return torch.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[warmup])


def warm_milestones(
    optimizer: torch.optim.Optimizer,
    warmup: int,
    milestones: list[int],
    factor: float = 0.1,
    start: float = 0.1,
):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return factor ** sum(m <= t for m in milestones)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
""",
        "milestones-counted-after-the-warm-up": """
def make_optimizer(
    model: nn.Module, lr: float, classifier_lr: float, momentum: float = 0.9
) -> torch.optim.SGD:
    head = {id(p) for p in model.classifier.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if id(p) not in head]},
        {"params": [p for p in trained if id(p) in head], "lr": classifier_lr},
    ]
    return torch.optim.SGD(groups, lr=lr, momentum=momentum)


def warm_cosine(optimizer: torch.optim.Optimizer, warmup: int, total: int, start: float = 0.1):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def warm_milestones(optimizer, warmup, milestones, factor=0.1, start=0.1):
    parts = [
        torch.optim.lr_scheduler.LinearLR(optimizer, start, 1.0, max(warmup, 1)),
        torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, factor),
    ]
    return torch.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[warmup])
""",
        "milestone-one-step-late": """
def make_optimizer(
    model: nn.Module, lr: float, classifier_lr: float, momentum: float = 0.9
) -> torch.optim.SGD:
    head = {id(p) for p in model.classifier.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if id(p) not in head]},
        {"params": [p for p in trained if id(p) in head], "lr": classifier_lr},
    ]
    return torch.optim.SGD(groups, lr=lr, momentum=momentum)


def warm_cosine(optimizer: torch.optim.Optimizer, warmup: int, total: int, start: float = 0.1):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def warm_milestones(
    optimizer: torch.optim.Optimizer,
    warmup: int,
    milestones: list[int],
    factor: float = 0.1,
    start: float = 0.1,
):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return factor ** sum(m < t for m in milestones)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
""",
        "warm-up-one-step-ahead": """
def make_optimizer(
    model: nn.Module, lr: float, classifier_lr: float, momentum: float = 0.9
) -> torch.optim.SGD:
    head = {id(p) for p in model.classifier.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if id(p) not in head]},
        {"params": [p for p in trained if id(p) in head], "lr": classifier_lr},
    ]
    return torch.optim.SGD(groups, lr=lr, momentum=momentum)


def warm_cosine(optimizer: torch.optim.Optimizer, warmup: int, total: int, start: float = 0.1):

    def share(t):
        if t < warmup:
            return start + (1 - start) * (t + 1) / warmup
        return (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def warm_milestones(
    optimizer: torch.optim.Optimizer,
    warmup: int,
    milestones: list[int],
    factor: float = 0.1,
    start: float = 0.1,
):

    def share(t):
        if t < warmup:
            return start + (1 - start) * (t + 1) / warmup
        return factor ** sum(m <= t for m in milestones)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
""",
        "only-base": """
def make_optimizer(
    model: nn.Module, lr: float, classifier_lr: float, momentum: float = 0.9
) -> torch.optim.SGD:
    head = {id(p) for p in model.classifier.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained[:2] if id(p) not in head]},
        {"params": [p for p in trained if id(p) in head], "lr": classifier_lr},
    ]
    return torch.optim.SGD(groups, lr=lr, momentum=momentum)


def warm_cosine(optimizer: torch.optim.Optimizer, warmup: int, total: int, start: float = 0.1):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def warm_milestones(
    optimizer: torch.optim.Optimizer,
    warmup: int,
    milestones: list[int],
    factor: float = 0.1,
    start: float = 0.1,
):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return factor ** sum(m <= t for m in milestones)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
""",
        "rates-exchanged": """
def make_optimizer(
    model: nn.Module, lr: float, classifier_lr: float, momentum: float = 0.9
) -> torch.optim.SGD:
    head = {id(p) for p in model.classifier.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if id(p) not in head]},
        {"params": [p for p in trained if id(p) in head], "lr": lr},
    ]
    return torch.optim.SGD(groups, lr=classifier_lr, momentum=momentum)


def warm_cosine(optimizer: torch.optim.Optimizer, warmup: int, total: int, start: float = 0.1):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def warm_milestones(
    optimizer: torch.optim.Optimizer,
    warmup: int,
    milestones: list[int],
    factor: float = 0.1,
    start: float = 0.1,
):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return factor ** sum(m <= t for m in milestones)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
""",
        "frozen-ones-too": """
def make_optimizer(
    model: nn.Module, lr: float, classifier_lr: float, momentum: float = 0.9
) -> torch.optim.SGD:
    head = {id(p) for p in model.classifier.parameters()}
    trained = [p for p in model.parameters()]
    groups = [
        {"params": [p for p in trained if id(p) not in head]},
        {"params": [p for p in trained if id(p) in head], "lr": classifier_lr},
    ]
    return torch.optim.SGD(groups, lr=lr, momentum=momentum)


def warm_cosine(optimizer: torch.optim.Optimizer, warmup: int, total: int, start: float = 0.1):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def warm_milestones(
    optimizer: torch.optim.Optimizer,
    warmup: int,
    milestones: list[int],
    factor: float = 0.1,
    start: float = 0.1,
):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return factor ** sum(m <= t for m in milestones)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
""",
        "no-momentum": """
def make_optimizer(
    model: nn.Module, lr: float, classifier_lr: float, momentum: float = 0.9
) -> torch.optim.SGD:
    head = {id(p) for p in model.classifier.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if id(p) not in head]},
        {"params": [p for p in trained if id(p) in head], "lr": classifier_lr},
    ]
    return torch.optim.SGD(groups, lr=lr)


def warm_cosine(optimizer: torch.optim.Optimizer, warmup: int, total: int, start: float = 0.1):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return (1 + math.cos(math.pi * (t - warmup) / (total - warmup))) / 2

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def warm_milestones(
    optimizer: torch.optim.Optimizer,
    warmup: int,
    milestones: list[int],
    factor: float = 0.1,
    start: float = 0.1,
):

    def share(t):
        if t < warmup:
            return start + (1 - start) * t / warmup
        return factor ** sum(m <= t for m in milestones)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
""",
    },
    "task-5": {
        "nothing-mended": """
def train_mended(
    X: Tensor, y: Tensor, epochs: int, batch: int, lr: float, generator: torch.Generator
) -> tuple[Tensor, list[float]]:
    theta = X.new_zeros(X.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=lr)
    steps = epochs * math.ceil(len(X) / batch)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    rates = []
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=generator).split(batch):

            def closure(rows=rows):
                loss = ((X[rows] @ theta - y[rows]) ** 2).mean()
                loss.backward()
                return loss

            scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step(closure)
    return theta.detach(), rates
""",
        "schedule-still-first": """
def train_mended(
    X: Tensor, y: Tensor, epochs: int, batch: int, lr: float, generator: torch.Generator
) -> tuple[Tensor, list[float]]:
    theta = X.new_zeros(X.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=lr)
    steps = epochs * math.ceil(len(X) / batch)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    rates = []
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=generator).split(batch):

            def closure(rows=rows):
                optimizer.zero_grad()
                loss = ((X[rows] @ theta - y[rows]) ** 2).mean()
                loss.backward()
                return loss

            scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step(closure)
    return theta.detach(), rates
""",
        "epochs-still-mixed-up": """
def train_mended(
    X: Tensor, y: Tensor, epochs: int, batch: int, lr: float, generator: torch.Generator
) -> tuple[Tensor, list[float]]:
    theta = X.new_zeros(X.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=lr)
    steps = epochs * math.ceil(len(X) / batch)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    rates = []
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=generator).split(batch):

            def closure(rows=rows):
                optimizer.zero_grad()
                loss = ((X[rows] @ theta - y[rows]) ** 2).mean()
                loss.backward()
                return loss

            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step(closure)
            scheduler.step()
    return theta.detach(), rates
""",
        "gradients-still-add-up": """
def train_mended(
    X: Tensor, y: Tensor, epochs: int, batch: int, lr: float, generator: torch.Generator
) -> tuple[Tensor, list[float]]:
    theta = X.new_zeros(X.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=lr)
    steps = epochs * math.ceil(len(X) / batch)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    rates = []
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=generator).split(batch):

            def closure(rows=rows):
                loss = ((X[rows] @ theta - y[rows]) ** 2).mean()
                loss.backward()
                return loss

            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step(closure)
            scheduler.step()
    return theta.detach(), rates
""",
        "schedule-once-per-epoch": """
def train_mended(
    X: Tensor, y: Tensor, epochs: int, batch: int, lr: float, generator: torch.Generator
) -> tuple[Tensor, list[float]]:
    theta = X.new_zeros(X.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=lr)
    steps = epochs * math.ceil(len(X) / batch)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    rates = []
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=generator).split(batch):

            def closure(rows=rows):
                optimizer.zero_grad()
                loss = ((X[rows] @ theta - y[rows]) ** 2).mean()
                loss.backward()
                return loss

            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step(closure)
        scheduler.step()
    return theta.detach(), rates
""",
        "two-steps-in-one": """
def train_mended(
    X: Tensor, y: Tensor, epochs: int, batch: int, lr: float, generator: torch.Generator
) -> tuple[Tensor, list[float]]:
    theta = X.new_zeros(X.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=lr)
    steps = epochs * math.ceil(len(X) / batch)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    rates = []
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=generator).split(batch):

            def closure(rows=rows):
                optimizer.zero_grad()
                loss = ((X[rows] @ theta - y[rows]) ** 2).mean()
                loss.backward()
                return loss

            rates.append(optimizer.param_groups[0]["lr"])
            closure()
            optimizer.step()
            optimizer.step(closure)
            scheduler.step()
    return theta.detach(), rates
""",
        "last-batch-not-counted": """
def train_mended(
    X: Tensor, y: Tensor, epochs: int, batch: int, lr: float, generator: torch.Generator
) -> tuple[Tensor, list[float]]:
    theta = X.new_zeros(X.shape[1]).requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=lr)
    steps = epochs * max(1, len(X) // batch)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    rates = []
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=generator).split(batch):

            def closure(rows=rows):
                optimizer.zero_grad()
                loss = ((X[rows] @ theta - y[rows]) ** 2).mean()
                loss.backward()
                return loss

            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step(closure)
            scheduler.step()
    return theta.detach(), rates
""",
    },
    "task-6": {
        "not-turned": """
at_one_rate = {"SGD": 459, "momentum": 59, "RMSprop": 104, "Adam": 213}
tuned = {"SGD": 459, "momentum": 59, "RMSprop": 6, "Adam": 31}
tuned_turned = {"SGD": 459, "momentum": 59, "RMSprop": 6, "Adam": 31}
statements = {
    "order": False,
    "winner": False,
    "blind": True,
    "axes": True,
    "scale_adam": True,
    "scale_momentum": False,
}
""",
        "largest-counts": """
at_one_rate = {"SGD": ..., "momentum": ..., "RMSprop": ..., "Adam": ...}
tuned = {"SGD": ..., "momentum": ..., "RMSprop": ..., "Adam": ...}
tuned_turned = {"SGD": ..., "momentum": ..., "RMSprop": ..., "Adam": ...}
statements = {
    "order": ...,
    "winner": ...,
    "blind": ...,
    "axes": ...,
    "scale_adam": ...,
    "scale_momentum": ...,
}
at_one_rate = {name: steps_needed(name, 0.01) for name in METHODS}
tuned = {name: max(steps_needed(name, lr) for lr in RATES) for name in METHODS}
tuned_turned = {name: max(steps_needed(name, lr, 45) for lr in RATES) for name in METHODS}
statements = {
    "order": sorted(METHODS, key=at_one_rate.get) == sorted(METHODS, key=tuned.get),
    "winner": min(METHODS, key=tuned.get) == min(METHODS, key=tuned_turned.get),
    "blind": all(abs(tuned[name] - tuned_turned[name]) <= 1 for name in ("SGD", "momentum")),
    "axes": tuned_turned["RMSprop"] > 10 * tuned["RMSprop"],
}
for key, name, lr in (("scale_adam", "Adam", 0.1), ("scale_momentum", "momentum", 0.01)):
    statements[key] = abs(steps_needed(name, lr, scale=1000) - steps_needed(name, lr)) <= 1
""",
        "first-rate-that-arrives": """
at_one_rate = {"SGD": 459, "momentum": 59, "RMSprop": 104, "Adam": 213}
tuned = {"SGD": 459, "momentum": 59, "RMSprop": 104, "Adam": 213}
tuned_turned = {"SGD": 459, "momentum": 59, "RMSprop": 230, "Adam": 88}
statements = {
    "order": False,
    "winner": False,
    "blind": True,
    "axes": True,
    "scale_adam": True,
    "scale_momentum": False,
}
""",
        "turned-by-45-radians": """
at_one_rate = {"SGD": ..., "momentum": ..., "RMSprop": ..., "Adam": ...}
tuned = {"SGD": ..., "momentum": ..., "RMSprop": ..., "Adam": ...}
tuned_turned = {"SGD": ..., "momentum": ..., "RMSprop": ..., "Adam": ...}
statements = {
    "order": ...,
    "winner": ...,
    "blind": ...,
    "axes": ...,
    "scale_adam": ...,
    "scale_momentum": ...,
}
at_one_rate = {name: steps_needed(name, 0.01) for name in METHODS}
tuned = {name: min(steps_needed(name, lr) for lr in RATES) for name in METHODS}
tuned_turned = {
    name: min(steps_needed(name, lr, math.degrees(45)) for lr in RATES) for name in METHODS
}
statements = {
    "order": sorted(METHODS, key=at_one_rate.get) == sorted(METHODS, key=tuned.get),
    "winner": min(METHODS, key=tuned.get) == min(METHODS, key=tuned_turned.get),
    "blind": all(abs(tuned[name] - tuned_turned[name]) <= 1 for name in ("SGD", "momentum")),
    "axes": tuned_turned["RMSprop"] > 10 * tuned["RMSprop"],
}
for key, name, lr in (("scale_adam", "Adam", 0.1), ("scale_momentum", "momentum", 0.01)):
    statements[key] = abs(steps_needed(name, lr, scale=1000) - steps_needed(name, lr)) <= 1
""",
        "guess-winner-stays": """
at_one_rate = {"SGD": 459, "momentum": 59, "RMSprop": 104, "Adam": 213}
tuned = {"SGD": 459, "momentum": 59, "RMSprop": 6, "Adam": 31}
tuned_turned = {"SGD": 459, "momentum": 59, "RMSprop": 230, "Adam": 88}
statements = {
    "order": False,
    "winner": True,
    "blind": True,
    "axes": True,
    "scale_adam": True,
    "scale_momentum": False,
}
""",
        "guess-adaptive-rules-do-not-notice": """
at_one_rate = {"SGD": 459, "momentum": 59, "RMSprop": 104, "Adam": 213}
tuned = {"SGD": 459, "momentum": 59, "RMSprop": 6, "Adam": 31}
tuned_turned = {"SGD": 459, "momentum": 59, "RMSprop": 230, "Adam": 88}
statements = {
    "order": False,
    "winner": False,
    "blind": True,
    "axes": False,
    "scale_adam": True,
    "scale_momentum": False,
}
""",
        "guess-momentum-does-not-notice-the-scale": """
at_one_rate = {"SGD": 459, "momentum": 59, "RMSprop": 104, "Adam": 213}
tuned = {"SGD": 459, "momentum": 59, "RMSprop": 6, "Adam": 31}
tuned_turned = {"SGD": 459, "momentum": 59, "RMSprop": 230, "Adam": 88}
statements = {
    "order": False,
    "winner": False,
    "blind": True,
    "axes": True,
    "scale_adam": True,
    "scale_momentum": True,
}
""",
    },
}
