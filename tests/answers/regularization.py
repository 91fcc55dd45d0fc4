"""Answers to the regularization assignment: correct ones, and wrong ones by misconception."""

CORRECT = {
    "task-1": {
        "branches": """
def diagnose(train, valid, reachable, tolerance):
    if tolerance < 0:
        raise ValueError("negative tolerance")
    if train > reachable + tolerance:
        return "both" if valid > train + tolerance else "underfitting"
    return "overfitting" if valid > train + tolerance else "neither"
""",
        "list": """
def diagnose(train, valid, reachable, tolerance):
    if not tolerance >= 0:
        raise ValueError(f"tolerance {tolerance} is negative")
    names = ["neither", "overfitting", "underfitting", "both"]
    return names[2 * (train - reachable > tolerance) + (valid - train > tolerance)]
""",
    },
    "task-2": {
        "masks": """
def cross_validate(X, y, k, prepare, fit, error, generator):
    n = len(y)
    if k < 2 or k > n:
        raise ValueError(f"bad k: {k}")
    fold = torch.empty(n, dtype=torch.long)
    fold[torch.randperm(n, generator=generator)] = torch.arange(n) % k
    errors = []
    for i in range(k):
        inside = fold != i
        transform = prepare(X[inside], y[inside])
        model = fit(transform(X[inside]), y[inside])
        e = error(model(transform(X[~inside])), y[~inside])
        errors += [float(e)] * int((~inside).sum())
    return sum(errors) / len(errors)
""",
        "slices": """
def cross_validate(X, y, k, prepare, fit, error, generator):
    n = X.shape[0]
    if k not in range(2, n + 1):
        raise ValueError("k")
    order = torch.randperm(n, generator=generator).tolist()
    total = 0.0
    for i in range(k):
        valid = order[i::k]
        rest = [j for j in order if j not in valid]
        transform = prepare(X[rest], y[rest])
        predict = fit(transform(X[rest]), y[rest])
        total = total + float(error(predict(transform(X[valid])), y[valid])) * len(valid) / n
    return total
""",
    },
    "task-3": {
        "threshold": """
def penalized_step(parameters, slopes, rate, l1, l2, n):
    def step(w, g):
        if w.ndim < 2:
            return w - rate * g
        v = w - rate * (g + l2 / n * w)
        return F.softshrink(v, rate * l1 / n)

    return [step(w, g) for w, g in zip(parameters, slopes)]
""",
        "where": """
def penalized_step(parameters, slopes, rate, l1, l2, n):
    result, by = [], rate * l1 / n
    for w, g in zip(parameters, slopes):
        v = w - rate * g
        if w.dim() >= 2:
            v = v - rate * l2 / n * w
            v = torch.where(v > by, v - by, torch.where(v < -by, v + by, torch.zeros_like(v)))
        result.append(v)
    return result
""",
    },
    "task-4": {
        "bernoulli": """
class Dropout(nn.Module):
    def __init__(self, p=0.5, channels=False):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(p)
        self.keep = 1 - p
        self.channels = channels

    def forward(self, x):
        if self.training and self.keep < 1:
            if self.keep == 0:
                return 0 * x
            shape = list(x.shape)
            if self.channels:
                shape[2:] = [1] * len(shape[2:])
            mask = torch.bernoulli(torch.full(shape, self.keep)).to(x)
            x = mask * x / self.keep
        return x
""",
        "masked-fill": """
class Dropout(nn.Module):
    def __init__(self, p: float = 0.5, channels: bool = False):
        if not (0 <= p <= 1):
            raise ValueError("p")
        super().__init__()
        self.p = p
        self.channels = channels

    def forward(self, x):
        if not self.training:
            return x
        draw = torch.rand(x.shape[:2]) if self.channels else torch.rand(x.shape)
        while draw.dim() < x.dim():
            draw = draw.unsqueeze(-1)
        scale = 1 / (1 - self.p) if self.p < 1 else 1.0
        return (x * scale).masked_fill(draw < self.p, 0.0)
""",
    },
    "task-5": {
        "clone": """
def train_until(model, batches, valid, loss_fn, optimizer, epochs, patience):
    losses, best_epoch, kept = [], -1, {}
    for epoch in range(epochs):
        model.train()
        for x, y in batches:
            loss = loss_fn(model(x), y)
            model.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses.append(float(loss_fn(model(valid[0]), valid[1])))
        if best_epoch < 0 or losses[-1] < losses[best_epoch]:
            best_epoch = epoch
            kept = {name: value.clone() for name, value in model.state_dict().items()}
        elif epoch - best_epoch >= patience:
            break
    model.load_state_dict(kept)
    return losses
""",
        "copied-parameters": """
def train_until(model, batches, valid, loss_fn, optimizer, epochs, patience):
    losses, wait = [], patience
    while len(losses) < epochs and wait > 0:
        for x, y in batches:
            model.train()
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            loss = loss_fn(model(valid[0]), valid[1]).item()
        wait = patience if loss < min(losses, default=math.inf) else wait - 1
        losses.append(loss)
        if wait == patience:
            kept = copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return losses
""",
    },
    "task-6": {
        "loops": """
def best_fit(method, seed, dense):
    X, y = data_set(seed, 40, dense)
    V, v = data_set(seed, 20, dense)
    T, t = data_set(seed, 2000, dense)
    best = None
    for s in SHARES:
        w = method(X, y, s)
        if best is None or mse(w, V, v) < best[2]:
            best = (s, w, mse(w, V, v), mse(w, T, t))
    return best


share_l1, w1, _, test_l1 = best_fit(lasso, 0, False)
share_l2, w2, _, test_l2 = best_fit(ridge, 0, False)
kept = (w1 != 0).sum().item()
X, y = data_set(0, 40)
training = [mse(lasso(X, y, s), X, y) for s in SHARES]
smallest, tests, sums = 0, 0, {}
for seed in range(4):
    _, _, v, t = best_fit(lasso, seed, False)
    smallest, tests = smallest + v, tests + t
    for method in (ridge, lasso):
        sums[method.__name__] = sums.get(method.__name__, 0) + best_fit(method, seed, True)[3]
statements = {
    "five": (w1[:5] == 0).sum().item() == 0,
    "ridge zero": (w2 == 0).sum().item() > 0,
    "more": (lasso(X, y, 1.0) != 0).sum().item() > (lasso(X, y, 0.01) != 0).sum().item(),
    "train": training.index(min(training)) == SHARES.index(share_l1),
    "luck": smallest < tests,
    "dense": sums["ridge"] < sums["lasso"],
}
""",
        "tensors": """
def all_fits(method, seed, dense=False):
    fit, valid, test = (data_set(seed, n, dense) for n in (40, 20, 2000))
    W = torch.stack([method(*fit, s) for s in SHARES], dim=1)
    errors = [((X @ W - y[:, None]) ** 2).mean(0) for X, y in (fit, valid, test)]
    return W, *errors


W1, train1, valid1, error1 = all_fits(lasso, 0)
W2, _, valid2, error2 = all_fits(ridge, 0)
i, j = int(valid1.argmin()), int(valid2.argmin())
share_l1, share_l2 = SHARES[i], SHARES[j]
test_l1, test_l2 = error1[i], error2[j]
kept = torch.count_nonzero(W1[:, i])
pairs = [all_fits(lasso, seed)[2:] for seed in range(4)]
gaps = [(t[v.argmin()] - v.min()).item() for v, t in pairs]
dense = {m: sum(t[v.argmin()].item() for _, _, v, t in (all_fits(m, s, True) for s in range(4)))
         for m in (ridge, lasso)}
statements = {
    "five": (W1[:5, i] != 0).all().item(),
    "ridge zero": (W2[:, j] == 0).any().item(),
    "more": ((W1[:, -1] != 0).sum() > (W1[:, 0] != 0).sum()).item(),
    "train": int(train1.argmin()) == i,
    "luck": sum(gaps) > 0,
    "dense": dense[ridge] < dense[lasso],
}
""",
    },
}

WRONG = {
    "task-1": {
        "small-gap-is-underfitting": """
def diagnose(train, valid, reachable, tolerance):
    if tolerance < 0:
        raise ValueError("tolerance")
    return "overfitting" if valid - train > tolerance else "underfitting"
""",
        "no-both": """
def diagnose(train, valid, reachable, tolerance):
    if tolerance < 0:
        raise ValueError("tolerance")
    if train - reachable > tolerance:
        return "underfitting"
    return "overfitting" if valid - train > tolerance else "neither"
""",
        "absolute-gap": """
def diagnose(train, valid, reachable, tolerance):
    if tolerance < 0:
        raise ValueError("tolerance")
    large, gap = abs(train - reachable) > tolerance, abs(valid - train) > tolerance
    return [["neither", "overfitting"], ["underfitting", "both"]][large][gap]
""",
        "example": """
def diagnose(train, valid, reachable, tolerance):
    return "underfitting" if train > 0.1 else "overfitting"
""",
    },
    "task-2": {
        "prepare-before-the-folds": """
def cross_validate(X, y, k, prepare, fit, error, generator):
    n = len(X)
    if not 2 <= k <= n:
        raise ValueError("k")
    X = prepare(X, y)(X)
    total, parts = 0.0, torch.tensor_split(torch.randperm(n, generator=generator), k)
    for i in range(k):
        rest = torch.cat(parts[:i] + parts[i + 1 :])
        predict = fit(X[rest], y[rest])
        total += len(parts[i]) * float(error(predict(X[parts[i]]), y[parts[i]]))
    return total / n
""",
        "mean-over-folds": """
def cross_validate(X, y, k, prepare, fit, error, generator):
    n = len(X)
    if not 2 <= k <= n:
        raise ValueError("k")
    errors, parts = [], torch.tensor_split(torch.randperm(n, generator=generator), k)
    for i in range(k):
        rest = torch.cat(parts[:i] + parts[i + 1 :])
        transform = prepare(X[rest], y[rest])
        predict = fit(transform(X[rest]), y[rest])
        errors.append(float(error(predict(transform(X[parts[i]])), y[parts[i]])))
    return sum(errors) / k
""",
        "prepare-on-each-part": """
def cross_validate(X, y, k, prepare, fit, error, generator):
    n = len(X)
    if not 2 <= k <= n:
        raise ValueError("k")
    total, parts = 0.0, torch.tensor_split(torch.randperm(n, generator=generator), k)
    for i in range(k):
        rest, valid = torch.cat(parts[:i] + parts[i + 1 :]), parts[i]
        predict = fit(prepare(X[rest], y[rest])(X[rest]), y[rest])
        inputs = prepare(X[valid], y[valid])(X[valid])
        total += len(valid) * float(error(predict(inputs), y[valid]))
    return total / n
""",
        "no-shuffle-last-fold-longer": """
def cross_validate(X, y, k, prepare, fit, error, generator):
    n = len(X)
    if not 2 <= k <= n:
        raise ValueError("k")
    total, size = 0.0, n // k
    for i in range(k):
        end = n if i == k - 1 else (i + 1) * size
        inside = torch.ones(n, dtype=torch.bool)
        inside[i * size : end] = False
        transform = prepare(X[inside], y[inside])
        predict = fit(transform(X[inside]), y[inside])
        total += int((~inside).sum()) * float(error(predict(transform(X[~inside])), y[~inside]))
    return total / n
""",
        "chunks-of-unequal-sizes": """
def cross_validate(X, y, k, prepare, fit, error, generator):
    n = len(X)
    if not 2 <= k <= n:
        raise ValueError("k")
    total, parts = 0.0, torch.randperm(n, generator=generator).chunk(k)
    for i, valid in enumerate(parts):
        rest = torch.cat(parts[:i] + parts[i + 1 :])
        transform = prepare(X[rest], y[rest])
        predict = fit(transform(X[rest]), y[rest])
        total += len(valid) * float(error(predict(transform(X[valid])), y[valid]))
    return total / n
""",
        "trained-on-everything": """
def cross_validate(X, y, k, prepare, fit, error, generator):
    n = len(X)
    if not 2 <= k <= n:
        raise ValueError("k")
    transform = prepare(X, y)
    predict, total = fit(transform(X), y), 0.0
    for valid in torch.tensor_split(torch.randperm(n, generator=generator), k):
        total += len(valid) * float(error(predict(transform(X[valid])), y[valid]))
    return total / n
""",
    },
    "task-3": {
        "sign-as-a-factor": """
def penalized_step(parameters, slopes, rate, l1, l2, n):
    return [
        w - rate * g
        if w.dim() == 1
        else (1 - rate * l2 / n - rate * l1 / n * torch.sign(w)) * w - rate * g
        for w, g in zip(parameters, slopes)
    ]
""",
        "jumps-over-zero": """
def penalized_step(parameters, slopes, rate, l1, l2, n):
    return [
        w - rate * g
        if w.dim() == 1
        else (1 - rate * l2 / n) * w - rate * g - rate * l1 / n * torch.sign(w)
        for w, g in zip(parameters, slopes)
    ]
""",
        "biases-too": """
def penalized_step(parameters, slopes, rate, l1, l2, n):
    new = []
    for w, g in zip(parameters, slopes):
        v = (1 - rate * l2 / n) * w - rate * g
        new.append(torch.sign(v) * (v.abs() - rate * l1 / n).clamp(min=0))
    return new
""",
        "penalty-counts-twice": """
def penalized_step(parameters, slopes, rate, l1, l2, n):
    new = []
    for w, g in zip(parameters, slopes):
        if w.dim() == 1:
            new.append(w - rate * g)
        else:
            v = (1 - rate * l2 / n) * w - rate * (g + l2 / n * w)
            new.append(F.softshrink(v, rate * l1 / n))
    return new
""",
        "in-place": """
def penalized_step(parameters, slopes, rate, l1, l2, n):
    for w, g in zip(parameters, slopes):
        if w.dim() > 1:
            w *= 1 - rate * l2 / n
        w -= rate * g
        if w.dim() > 1:
            w.copy_(F.softshrink(w, rate * l1 / n))
    return list(parameters)
""",
    },
    "task-4": {
        "channels-of-a-sample-together": """
class Dropout(nn.Module):
    def __init__(self, p=0.5, channels=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p should lie between 0 and 1")
        self.p, self.channels = p, channels

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        shape = (len(x),) + (1,) * (x.ndim - 1) if self.channels else x.shape
        return x * (torch.rand(shape) >= self.p) / (1 - self.p)
""",
        "keeps-with-p": """
class Dropout(nn.Module):
    def __init__(self, p=0.5, channels=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p")
        self.p, self.channels = p, channels

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        shape = x.shape[:2] + (1,) * (x.dim() - 2) if self.channels else x.shape
        return x * (torch.rand(shape) < self.p) / self.p
""",
        "scaled-in-evaluation": """
class Dropout(nn.Module):
    def __init__(self, p=0.5, channels=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p")
        self.p, self.channels = p, channels

    def forward(self, x):
        if not self.training:
            return x * (1 - self.p)
        shape = x.shape[:2] + (1,) * (x.dim() - 2) if self.channels else x.shape
        return x * (torch.rand(shape) >= self.p)
""",
        "one-mask-for-all-samples": """
class Dropout(nn.Module):
    def __init__(self, p=0.5, channels=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p")
        self.p, self.channels = p, channels

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return torch.zeros_like(x)
        shape = (1, x.shape[1]) + (1,) * (x.dim() - 2) if self.channels else x.shape[1:]
        return x * (torch.rand(shape) >= self.p) / (1 - self.p)
""",
        "always-training": """
class Dropout(nn.Module):
    def __init__(self, p=0.5, channels=False):
        super().__init__()
        self.p, self.channels = p, channels

    def forward(self, x):
        shape = x.shape[:2] + (1,) * (x.dim() - 2) if self.channels else x.shape
        return x * (torch.rand(shape) >= self.p) / (1 - self.p)
""",
        "ready-made": """
class Dropout(nn.Module):
    def __init__(self, p=0.5, channels=False):
        super().__init__()
        self.layer = nn.Dropout(p)

    def forward(self, x):
        return self.layer(x)
""",
    },
    "task-5": {
        "waiting-never-starts-anew": """
def train_until(model, batches, valid, loss_fn, optimizer, epochs, patience):
    best, weights, waited, losses = math.inf, None, 0, []
    for epoch in range(epochs):
        model.train()
        for x, y in batches:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses.append(loss_fn(model(valid[0]), valid[1]).item())
        if losses[-1] < best:
            best, weights = losses[-1], copy.deepcopy(model.state_dict())
        else:
            waited += 1
        if waited == patience:
            break
    model.load_state_dict(weights)
    return losses
""",
        "state-not-copied": """
def train_until(model, batches, valid, loss_fn, optimizer, epochs, patience):
    best, weights, waited, losses = math.inf, None, 0, []
    for epoch in range(epochs):
        model.train()
        for x, y in batches:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses.append(loss_fn(model(valid[0]), valid[1]).item())
        if losses[-1] < best:
            best, weights, waited = losses[-1], dict(model.state_dict()), 0
        else:
            waited += 1
        if waited == patience:
            break
    model.load_state_dict(weights)
    return losses
""",
        "stays-in-evaluation-mode": """
def train_until(model, batches, valid, loss_fn, optimizer, epochs, patience):
    best, weights, waited, losses = math.inf, None, 0, []
    model.train()
    for epoch in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses.append(loss_fn(model(valid[0]), valid[1]).item())
        if losses[-1] < best:
            best, weights, waited = losses[-1], copy.deepcopy(model.state_dict()), 0
        else:
            waited += 1
        if waited == patience:
            break
    model.load_state_dict(weights)
    return losses
""",
        "validates-in-training-mode": """
def train_until(model, batches, valid, loss_fn, optimizer, epochs, patience):
    best, weights, waited, losses = math.inf, None, 0, []
    for epoch in range(epochs):
        model.train()
        for x, y in batches:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            losses.append(loss_fn(model(valid[0]), valid[1]).item())
        if losses[-1] < best:
            best, weights, waited = losses[-1], copy.deepcopy(model.state_dict()), 0
        else:
            waited += 1
        if waited == patience:
            break
    model.load_state_dict(weights)
    return losses
""",
    },
    "task-6": {
        "guessed": """
share_l1, share_l2, test_l1, test_l2, kept = 0.1, 0.1, 0.5, 5.0, 5
statements = {"five": True, "ridge zero": False, "more": False, "train": False, "luck": True,
              "dense": False}
""",
        "chosen-on-the-test-set": """
def chosen(method, seed, dense=False):
    fit, test = data_set(seed, 40, dense), data_set(seed, 2000, dense)
    found = [(mse(method(*fit, s), *test), s, method(*fit, s)) for s in SHARES]
    error, share, w = min(found, key=lambda one: one[0])
    return share, w, error


share_l1, w1, test_l1 = chosen(lasso, 1)
share_l2, w2, test_l2 = chosen(ridge, 1)
kept = int((w1 != 0).sum())
statements = {"five": True, "ridge zero": False, "more": False, "train": False, "luck": False,
              "dense": True}
""",
        "rounded-weights": """
X, y = data_set(0, 40)
V, v = data_set(0, 20)
T, t = data_set(0, 2000)
fits1, fits2 = ([m(X, y, s) for s in SHARES] for m in (lasso, ridge))
i = min(range(5), key=lambda k: mse(fits1[k], V, v))
j = min(range(5), key=lambda k: mse(fits2[k], V, v))
share_l1, share_l2 = SHARES[i], SHARES[j]
test_l1, test_l2 = mse(fits1[i], T, t), mse(fits2[j], T, t)
kept = int((fits1[i].abs() > 0.1).sum())
statements = {"five": True, "ridge zero": True, "more": False, "train": False, "luck": True,
              "dense": True}
""",
    },
}
