"""Answers to the linear-regression assignment: correct ones in other styles, and wrong ones.

The wrong ones are named after the misconception.
"""

CORRECT = {
    "task-1": {
        "loops": """
def slope_of_loss(W, x, y, counts):
    total = 0.0
    for x_i, y_i, c in zip(x.tolist(), y.tolist(), counts.tolist()):
        total += c * 2 * (y_i - W * x_i) * (-x_i)
    return total


def best_weight(x, y, counts):
    above = below = 0.0
    for x_i, y_i, c in zip(x.tolist(), y.tolist(), counts.tolist()):
        above += c * x_i * y_i
        below += c * x_i**2
    return above / below
""",
        "products-of-vectors": """
def slope_of_loss(W, x, y, counts):
    weighted = counts * x
    return 2 * W * (weighted @ x) - 2 * weighted @ y


def best_weight(x, y, counts):
    # The slope is linear in W: divide its value at 0 by how much it grows per unit.
    at_zero = slope_of_loss(0.0, x, y, counts)
    return -at_zero / (slope_of_loss(1.0, x, y, counts) - at_zero)
""",
    },
    "task-2": {
        "covariance-matrix": """
def fit_line(x, y):
    if x.min() == x.max():
        raise ValueError("all inputs are the same")
    covariance = torch.cov(torch.stack([x, y]))
    w = covariance[0, 1] / covariance[0, 0]
    b = y.mean() - w * x.mean()
    return w, b
""",
        "two-equations-after-a-shift": """
def fit_line(x, y):
    start = float(x[0])
    shifted = [float(v) - start for v in x]
    targets = [float(v) for v in y]
    if len(set(shifted)) == 1:
        raise ValueError("all x are equal")
    n = len(shifted)
    sx, sy = sum(shifted), sum(targets)
    sxx = sum(v * v for v in shifted)
    sxy = sum(v * t for v, t in zip(shifted, targets))
    w = (n * sxy - sx * sy) / (n * sxx - sx * sx)
    b = (sy - w * sx) / n
    return w, b - w * start
""",
    },
    "task-3": {
        "for-and-break": """
def walk(slope, x, rate, tolerance, max_steps):
    visited = [x]
    for _ in range(max_steps):
        g = slope(x)
        if -tolerance <= g <= tolerance:
            break
        x -= rate * g
        visited.append(x)
    return visited
""",
        "endless-loop-with-return": """
def walk(slope, x, rate, tolerance, max_steps):
    visited, steps = [x], 0
    while True:
        g = slope(visited[-1])
        if abs(g) <= tolerance or steps == max_steps:
            return visited
        visited += [visited[-1] - rate * g]
        steps += 1
""",
    },
    "task-4": {
        "one-weight-at-a-time": """
def partials(b, w, features, y):
    n, d = features.shape
    errors = [b + sum(w[j] * features[i, j] for j in range(d)) - y[i] for i in range(n)]
    db = 2 / n * sum(errors)
    dw = [2 / n * sum(errors[i] * features[i, j] for i in range(n)) for j in range(d)]
    return db, torch.stack(dw)


def train_by_hand(gradient, features, y, rate, steps, every):
    d = features.shape[1]
    b = 0.0
    w = torch.zeros(d, dtype=features.dtype)
    notes = []
    for step in range(steps):
        db, dw = gradient(b, w, features, y)
        new_w = torch.empty_like(w)
        for j in range(d):
            new_w[j] = w[j] - rate * dw[j]
        b = b - rate * float(db)
        w = new_w
        if (step + 1) % every == 0:
            notes.append(float(((b + features @ w - y) ** 2).sum() / len(y)))
    return b, w, notes
""",
        "column-of-ones-and-blocks": """
def partials(b, w, features, y):
    X = torch.cat([torch.ones_like(features[:, :1]), features], dim=1)
    theta = torch.cat([torch.as_tensor(b, dtype=w.dtype).reshape(1), w])
    g = 2 * ((X @ theta - y)[:, None] * X).mean(0)
    return g[0], g[1:]


def train_by_hand(gradient, features, y, rate, steps, every):
    b = torch.tensor(0.0, dtype=features.dtype)
    w = torch.zeros_like(features[0])
    log = []
    done = 0
    while done < steps:
        for _ in range(min(every, steps - done)):
            db, dw = gradient(b, w, features, y)
            b = b - rate * db
            w = w - rate * dw
            done += 1
        if done % every == 0:
            error = features @ w + b - y
            log.append((error @ error / len(y)).item())
    return b, w, log
""",
    },
    "task-5": {
        "column-by-column": """
def standardize(train, other):
    columns, moved = [], []
    for j in range(train.shape[1]):
        column = train[:, j]
        if column.max() == column.min():
            raise ValueError(f"column {j} is constant")
        mu = column.sum() / len(column)
        sigma = ((column - mu) ** 2).mean().sqrt()
        columns.append((column - mu) / sigma)
        moved.append((other[:, j] - mu) / sigma)
    return torch.stack(columns, dim=1), torch.stack(moved, dim=1)


def raw_weights(b, w, mean, std, y_mean, y_std):
    raw = torch.empty_like(w)
    shift = b
    for j in range(len(w)):
        raw[j] = w[j] * y_std / std[j]
        shift = shift - w[j] * mean[j] / std[j]
    return y_std * shift + y_mean, raw
""",
        "by-two-predictions": """
def standardize(train, other):
    std, mean = torch.std_mean(train, dim=0, unbiased=False)
    if (std == 0).any():
        raise ValueError("a constant column")
    scale = lambda table: table.sub(mean).div(std)
    return scale(train), scale(other)


def raw_weights(b, w, mean, std, y_mean, y_std):
    def predict(x):
        return y_mean + y_std * (b + (x - mean) / std @ w)

    at_zero = predict(torch.zeros_like(mean))
    units = torch.eye(len(w), dtype=w.dtype)
    return at_zero, torch.stack([predict(unit) - at_zero for unit in units])
""",
    },
    "task-6": {
        "mse-loss-and-columns": """
def train_batches(model, x, y, rate, epochs, batch_size):
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    column = y.reshape(-1, 1)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(x), batch_size):
            inputs = x[start : start + batch_size]
            targets = column[start : start + batch_size]
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)
        losses.append(total / len(x))
    return losses
""",
        "updates-without-optimizer": """
def train_batches(model, x, y, rate, epochs, batch_size):
    losses = []
    for _ in range(epochs):
        squares = []
        for inputs, targets in zip(x.split(batch_size), y.split(batch_size)):
            error = model(inputs).squeeze(1) - targets
            grads = torch.autograd.grad(error.square().mean(), list(model.parameters()))
            with torch.no_grad():
                for p, g in zip(model.parameters(), grads):
                    p -= rate * g
            squares.append(error.detach().square())
        losses.append(float(torch.cat(squares).mean()))
    return losses
""",
    },
    "task-7": {
        "written-down": """
stable_rates = {
    "raw": 9.695e-7,
    "centered": 0.01957,
    "scaled": 4.335e-5,
    "standardized": 0.766,
}
forecasts = {"raw": 178_406_000_000, "centered": 350, "scaled": 3_990_400_000, "standardized": 10}
steps_needed = 27
statements = {
    "a": True, "b": False, "c": True, "d": False, "e": True, "f": False, "g": False,
}
""",
        "all-measured-in-the-cell": """
def curvatures(X):
    return torch.linalg.svdvals(X).square() * 2 / len(X)


stable_rates, forecasts = {}, {}
for version, X in versions.items():
    steep, *_, flat = curvatures(X).tolist()
    stable_rates[version] = 2 / steep
    k = int(torch.tensor(1e-3).log() / math.log1p(-flat / steep))
    while k * math.log1p(-flat / steep) > math.log(1e-3):
        k += 1
    forecasts[version] = k


def count(rate, Z=versions["standardized"]):
    goal = 1.01 * mse(Z, boats, solve(Z, boats))
    w, k = torch.zeros(3), 0
    while mse(Z, boats, w) > goal:
        w, k = w - rate * 2 / 12 * Z.T @ (Z @ w - boats), k + 1
    return k


X, Z = versions["raw"], versions["standardized"]
steps_needed = count(0.1)
exact = solve(X, boats)
eta = stable_rates["raw"] / 2


def descend(X, y, rate, steps, every=100):  # as the chapter has it, with a log
    w, log = torch.zeros(X.shape[1]), []
    for step in range(1, steps + 1):
        w = w - rate * 2 / len(y) * X.T @ (X @ w - y)
        if step % every == 0:
            log.append(mse(X, y, w))
    return w, log


late, log = descend(X, boats, eta, 10_000)
tenfold = 2 / float(curvatures(X.repeat(10, 1))[0])
gap = (X @ exact - Z @ solve(Z, boats)).abs().max()
statements = {
    "a": log[-2] - log[-1] < 0.01 * log[-2],
    "b": mse(X, boats, late) < 10 * mse(X, boats, exact),
    "c": bool((late * exact > 0).all()),
    "d": stable_rates["scaled"] > stable_rates["centered"],
    "e": bool(gap < 5e-7),
    "f": tenfold < stable_rates["raw"] * 0.999,
    "g": count(0.95 * stable_rates["standardized"]) < count(0.5 * stable_rates["standardized"]),
}
""",
    },
}

WRONG = {
    "task-1": {
        "ignores-the-counts": """
def slope_of_loss(W, x, y, counts):
    return -2 * (x * (y - W * x)).sum()


def best_weight(x, y, counts):
    return (x * y).sum() / (x * x).sum()
""",
        "ratio-of-sums": """
def slope_of_loss(W, x, y, counts):
    return (-2 * counts * x * (y - W * x)).sum()


def best_weight(x, y, counts):
    return (counts * y).sum() / (counts * x).sum()
""",
        "slope-with-the-opposite-sign": """
def slope_of_loss(W, x, y, counts):
    return 2 * (counts * x * (y - W * x)).sum()


def best_weight(x, y, counts):
    return (counts * x * y).sum() / (counts * x * x).sum()
""",
        "counts-multiplied-into-both-columns": """
def slope_of_loss(W, x, y, counts):
    x, y = counts * x, counts * y
    return -2 * (x * (y - W * x)).sum()


def best_weight(x, y, counts):
    x, y = counts * x, counts * y
    return x @ y / (x @ x)
""",
        "mean-of-the-ratios": """
def slope_of_loss(W, x, y, counts):
    return -2 * (counts * x * (y - W * x)).mean()


def best_weight(x, y, counts):
    return (counts * y / x).sum() / counts.sum()
""",
        "hard-coded-example": """
def slope_of_loss(W, x, y, counts):
    return 20.0 * W - 40.0


def best_weight(x, y, counts):
    return 2.0
""",
    },
    "task-2": {
        "variance-over-n-minus-1": """
def fit_line(x, y):
    if (x == x[0]).all():
        raise ValueError("all x are equal")
    w = ((x - x.mean()) * (y - y.mean())).mean() / x.var()
    return w, y.mean() - w * x.mean()
""",
        "line-through-the-origin": """
def fit_line(x, y):
    if (x == x[0]).all():
        raise ValueError("all x are equal")
    w = x @ y / (x @ x)
    return w, (y - w * x).mean()
""",
        "no-error-for-equal-inputs": """
def fit_line(x, y):
    dx, dy = x - x.mean(), y - y.mean()
    w = dx @ dy / (dx @ dx)
    return w, y.mean() - w * x.mean()
""",
        "difference-of-large-sums": """
def fit_line(x, y):
    if (x == x[0]).all():
        raise ValueError("all x are equal")
    n = len(x)
    w = (n * (x * y).sum() - x.sum() * y.sum()) / (n * (x**2).sum() - x.sum() ** 2)
    return w, (y.sum() - w * x.sum()) / n
""",
        "predicts-x-from-y": """
def fit_line(x, y):
    if (x == x[0]).all():
        raise ValueError("all x are equal")
    dx, dy = x - x.mean(), y - y.mean()
    w = dx @ dy / (dy @ dy)
    return w, y.mean() - w * x.mean()
""",
        "least-squares-solver": """
def fit_line(x, y):
    if (x == x[0]).all():
        raise ValueError("all x are equal")
    X = torch.stack([x, torch.ones_like(x)], dim=1)
    w, b = torch.linalg.lstsq(X, y[:, None]).solution[:, 0]
    return w, b
""",
        "hard-coded-example": """
def fit_line(x, y):
    if len(set(x.tolist())) < 2:
        raise ValueError("all x are equal")
    return 2.2, 0.7
""",
    },
    "task-3": {
        "stops-on-any-negative-slope": """
def walk(slope, x, rate, tolerance, max_steps):
    visited = [x]
    for _ in range(max_steps):
        if slope(x) <= tolerance:
            break
        x = x - rate * slope(x)
        visited.append(x)
    return visited
""",
        "stops-when-the-step-is-small": """
def walk(slope, x, rate, tolerance, max_steps):
    visited = [x]
    for _ in range(max_steps):
        step = rate * slope(x)
        if abs(step) <= tolerance:
            break
        x = x - step
        visited.append(x)
    return visited
""",
        "uphill": """
def walk(slope, x, rate, tolerance, max_steps):
    visited = [x]
    while abs(slope(x)) > tolerance and len(visited) <= max_steps:
        x = x + rate * slope(x)
        visited.append(x)
    return visited
""",
        "always-a-full-step": """
def walk(slope, x, rate, tolerance, max_steps):
    visited = [x]
    while abs(slope(x)) > tolerance and len(visited) <= max_steps:
        x = x - slope(x)
        visited.append(x)
    return visited
""",
        "goes-on-at-the-tolerance": """
def walk(slope, x, rate, tolerance, max_steps):
    visited = [x]
    while abs(slope(x)) >= tolerance and len(visited) <= max_steps:
        x = x - rate * slope(x)
        visited.append(x)
    return visited
""",
        "one-point-too-few": """
def walk(slope, x, rate, tolerance, max_steps):
    visited = []
    for _ in range(max_steps):
        visited.append(x)
        if abs(slope(x)) <= tolerance:
            break
        x = x - rate * slope(x)
    return visited
""",
        "forgets-max-steps": """
def walk(slope, x, rate, tolerance, max_steps):
    visited = [x]
    while abs(slope(x)) > tolerance:
        x = x - rate * slope(x)
        visited.append(x)
    return visited
""",
        "hard-coded-slope": """
def walk(slope, x, rate, tolerance, max_steps):
    visited = [x]
    while abs(0.3 * x - 0.2) > tolerance and len(visited) <= max_steps:
        x = x - rate * (0.3 * x - 0.2)
        visited.append(x)
    return visited
""",
    },
    "task-4": {
        "factor-is-the-sum-of-the-features": """
def partials(b, w, features, y):
    error = features @ w + b - y
    g = 2 * (error * features.sum(dim=1)).mean()
    return 2 * error.mean(), g * torch.ones_like(w)


def train_by_hand(gradient, features, y, rate, steps, every):
    b, w, log = 0.0, torch.zeros_like(features[0]), []
    for step in range(1, steps + 1):
        db, dw = gradient(b, w, features, y)
        b, w = b - rate * db, w - rate * dw
        if step % every == 0:
            log.append(float(((features @ w + b - y) ** 2).mean()))
    return b, w, log
""",
        "seven-rows-two-features": """
def partials(b, w, features, y):
    error = b + w[0] * features[:, 0] + w[1] * features[:, 1] - y
    dw = [2 / 7 * (error * features[:, 0]).sum(), 2 / 7 * (error * features[:, 1]).sum()]
    return 2 / 7 * error.sum(), torch.stack(dw)


def train_by_hand(gradient, features, y, rate, steps, every):
    b, w, log = torch.tensor(0.0), torch.zeros(2), []
    for step in range(1, steps + 1):
        db, dw = gradient(b, w, features, y)
        b, w = b - rate * db, w - rate * dw
        if step % every == 0:
            log.append(float(((features @ w + b - y) ** 2).mean()))
    return b, w, log
""",
        "sum-instead-of-mean": """
def partials(b, w, features, y):
    error = features @ w + b - y
    return 2 * error.sum(), 2 * features.T @ error


def train_by_hand(gradient, features, y, rate, steps, every):
    b, w, log = 0.0, torch.zeros_like(features[0]), []
    for step in range(1, steps + 1):
        db, dw = gradient(b, w, features, y)
        b, w = b - rate * db / len(y), w - rate * dw / len(y)
        if step % every == 0:
            log.append(float(((features @ w + b - y) ** 2).mean()))
    return b, w, log
""",
        "bias-moves-first": """
def partials(b, w, features, y):
    error = features @ w + b - y
    return 2 * error.mean(), 2 / len(y) * features.T @ error


def train_by_hand(gradient, features, y, rate, steps, every):
    b, w, log = 0.0, torch.zeros_like(features[0]), []
    for step in range(1, steps + 1):
        b = b - rate * gradient(b, w, features, y)[0]
        w = w - rate * gradient(b, w, features, y)[1]
        if step % every == 0:
            log.append(float(((features @ w + b - y) ** 2).mean()))
    return b, w, log
""",
        "notes-before-the-step": """
def partials(b, w, features, y):
    error = features @ w + b - y
    return 2 * error.mean(), 2 / len(y) * features.T @ error


def train_by_hand(gradient, features, y, rate, steps, every):
    b, w, log = 0.0, torch.zeros_like(features[0]), []
    for step in range(steps):
        if step % every == 0:
            log.append(float(((features @ w + b - y) ** 2).mean()))
        db, dw = gradient(b, w, features, y)
        b, w = b - rate * db, w - rate * dw
    return b, w, log
""",
        "notes-of-half-the-loss": """
def partials(b, w, features, y):
    error = features @ w + b - y
    return error.mean(), features.T @ error / len(y)


def train_by_hand(gradient, features, y, rate, steps, every):
    b, w, log = 0.0, torch.zeros_like(features[0]), []
    for step in range(1, steps + 1):
        db, dw = gradient(b, w, features, y)
        b, w = b - rate * db, w - rate * dw
        if step % every == 0:
            log.append(float(((features @ w + b - y) ** 2).mean() / 2))
    return b, w, log
""",
        "autograd": """
def partials(b, w, features, y):
    b = b.clone().requires_grad_()
    w = w.clone().requires_grad_()
    ((features @ w + b - y) ** 2).mean().backward()
    return b.grad, w.grad


def train_by_hand(gradient, features, y, rate, steps, every):
    b, w, log = torch.zeros((), dtype=features.dtype), torch.zeros_like(features[0]), []
    for step in range(1, steps + 1):
        db, dw = gradient(b, w, features, y)
        b, w = b - rate * db, w - rate * dw
        if step % every == 0:
            log.append(float(((features @ w + b - y) ** 2).mean()))
    return b, w, log
""",
    },
    "task-5": {
        "each-table-with-its-own-statistics": """
def standardize(train, other):
    if (train.std(dim=0) == 0).any():
        raise ValueError("a constant column")

    def scale(table):
        return (table - table.mean(dim=0)) / table.std(dim=0, correction=0)

    return scale(train), scale(other)


def raw_weights(b, w, mean, std, y_mean, y_std):
    raw = y_std * w / std
    return y_mean + y_std * b - raw @ mean, raw
""",
        "one-mean-for-the-whole-table": """
def standardize(train, other):
    if (train.std(dim=0) == 0).any():
        raise ValueError("a constant column")
    mean, std = train.mean(), train.std(correction=0)
    return (train - mean) / std, (other - mean) / std


def raw_weights(b, w, mean, std, y_mean, y_std):
    raw = y_std * w / std
    return y_mean + y_std * b - raw @ mean, raw
""",
        "pytorchs-default-deviation": """
def standardize(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0)
    if (std == 0).any():
        raise ValueError("a constant column")
    return (train - mean) / std, (other - mean) / std


def raw_weights(b, w, mean, std, y_mean, y_std):
    raw = y_std * w / std
    return y_mean + y_std * b - raw @ mean, raw
""",
        "a-small-number-below": """
def standardize(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0, correction=0) + 1e-8
    return (train - mean) / std, (other - mean) / std


def raw_weights(b, w, mean, std, y_mean, y_std):
    raw = y_std * w / std
    return y_mean + y_std * b - raw @ mean, raw
""",
        "rejects-constant-columns-of-other": """
def standardize(train, other):
    for table in (train, other):
        if (table == table[0]).all(dim=0).any():
            raise ValueError("a constant column")
    mean, std = train.mean(dim=0), train.std(dim=0, correction=0)
    return (train - mean) / std, (other - mean) / std


def raw_weights(b, w, mean, std, y_mean, y_std):
    raw = y_std * w / std
    return y_mean + y_std * b - raw @ mean, raw
""",
        "bias-in-the-old-scale": """
def standardize(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0, correction=0)
    if (std == 0).any():
        raise ValueError("a constant column")
    return (train - mean) / std, (other - mean) / std


def raw_weights(b, w, mean, std, y_mean, y_std):
    raw = y_std * w / std
    return y_mean + b - raw @ mean, raw
""",
        "target-scale-forgotten": """
def standardize(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0, correction=0)
    if (std == 0).any():
        raise ValueError("a constant column")
    return (train - mean) / std, (other - mean) / std


def raw_weights(b, w, mean, std, y_mean, y_std):
    return b - (w * mean / std).sum(), w / std
""",
    },
    "task-6": {
        "clears-but-still-all-pairs": """
def train_batches(model, x, y, rate, epochs, batch_size):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for inputs, targets in zip(x.split(batch_size), y.split(batch_size)):
            optimizer.zero_grad()
            loss = ((model(inputs) - targets) ** 2).mean()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        losses.append(total / len(y))
    return losses
""",
        "right-shape-but-clears-once-an-epoch": """
def train_batches(model, x, y, rate, epochs, batch_size):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        total = 0.0
        for inputs, targets in zip(x.split(batch_size), y.split(batch_size)):
            loss = ((model(inputs)[:, 0] - targets) ** 2).mean()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        losses.append(total / len(y))
    return losses
""",
        "clears-before-the-step": """
def train_batches(model, x, y, rate, epochs, batch_size):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for inputs, targets in zip(x.split(batch_size), y.split(batch_size)):
            loss = ((model(inputs)[:, 0] - targets) ** 2).mean()
            loss.backward()
            optimizer.zero_grad()
            optimizer.step()
            total += loss.item() * len(targets)
        losses.append(total / len(y))
    return losses
""",
        "smaller-rate-instead-of-a-mend": """
def train_batches(model, x, y, rate, epochs, batch_size):
    return train_with_bugs(model, x, y, rate / 10, epochs, batch_size)
""",
        "mse-loss-with-the-old-shapes": """
def train_batches(model, x, y, rate, epochs, batch_size):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for inputs, targets in zip(x.split(batch_size), y.split(batch_size)):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        losses.append(total / len(y))
    return losses
""",
        "full-batch-only": """
def train_batches(model, x, y, rate, epochs, batch_size):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = ((model(x)[:, 0] - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
        "mean-of-the-batch-means": """
def train_batches(model, x, y, rate, epochs, batch_size):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(epochs):
        batch_losses = []
        for inputs, targets in zip(x.split(batch_size), y.split(batch_size)):
            optimizer.zero_grad()
            loss = ((model(inputs) - targets[:, None]) ** 2).mean()
            loss.backward()
            optimizer.step()
            batch_losses.append(loss.item())
        losses.append(sum(batch_losses) / len(batch_losses))
    return losses
""",
        "trains-another-model": """
def train_batches(model, x, y, rate, epochs, batch_size):
    model = nn.Linear(x.shape[1], 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for inputs, targets in zip(x.split(batch_size), y.split(batch_size)):
            optimizer.zero_grad()
            loss = ((model(inputs)[:, 0] - targets) ** 2).mean()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        losses.append(total / len(y))
    return losses
""",
    },
    "task-7": {
        "same-as-in-the-chapter": """
stable_rates = {
    "raw": 9.695e-7, "centered": 0.01957, "scaled": 4.335e-5, "standardized": 0.766,
}
forecasts = {"raw": 178_406_000_000, "centered": 350, "scaled": 3_990_400_000, "standardized": 10}
steps_needed = 27
statements = {  # c: in the chapter a sign was wrong
    "a": True, "b": False, "c": False, "d": False, "e": True, "f": False, "g": False,
}
""",
        "flat-means-finished": """
stable_rates = {
    "raw": 9.695e-7, "centered": 0.01957, "scaled": 4.335e-5, "standardized": 0.766,
}
forecasts = {"raw": 178_406_000_000, "centered": 350, "scaled": 3_990_400_000, "standardized": 10}
steps_needed = 27
statements = {
    "a": True, "b": True, "c": True, "d": False, "e": True, "f": False, "g": False,
}
""",
        "larger-rate-is-always-faster": """
stable_rates = {
    "raw": 9.695e-7, "centered": 0.01957, "scaled": 4.335e-5, "standardized": 0.766,
}
forecasts = {"raw": 178_406_000_000, "centered": 350, "scaled": 3_990_400_000, "standardized": 10}
steps_needed = 27
statements = {
    "a": True, "b": False, "c": True, "d": False, "e": True, "f": False, "g": True,
}
""",
        "sum-instead-of-mean-in-the-hessian": """
stable_rates, forecasts = {}, {}
for name, X in versions.items():
    eigenvalues = torch.linalg.eigvalsh(2 * X.T @ X)
    stable_rates[name] = float(2 / eigenvalues[-1])
    kappa = float(eigenvalues[-1] / eigenvalues[0])
    forecasts[name] = math.ceil(math.log(1e-3) / math.log1p(-1 / kappa))
steps_needed = 27
statements = {
    "a": True, "b": False, "c": True, "d": False, "e": True, "f": True, "g": False,
}
""",
        "condition-of-x-not-of-the-hessian": """
stable_rates, forecasts = {}, {}
for name, X in versions.items():
    stable_rates[name] = float(2 / torch.linalg.eigvalsh(2 / len(X) * X.T @ X)[-1])
    kappa = float(torch.linalg.cond(X))
    forecasts[name] = math.ceil(math.log(1e-3) / math.log1p(-1 / kappa))
steps_needed = 27
statements = {
    "a": True, "b": False, "c": True, "d": False, "e": True, "f": False, "g": False,
}
""",
        "forecast-instead-of-a-run": """
stable_rates = {
    "raw": 9.695e-7, "centered": 0.01957, "scaled": 4.335e-5, "standardized": 0.766,
}
forecasts = {"raw": 178_406_000_000, "centered": 350, "scaled": 3_990_400_000, "standardized": 10}
steps_needed = math.ceil(math.log(1e-3) / math.log(1 - 0.1 * 1.3889))
statements = {
    "a": True, "b": False, "c": True, "d": False, "e": True, "f": False, "g": False,
}
""",
        "all-true": """
stable_rates = dict.fromkeys(versions, 1e-3)
forecasts = dict.fromkeys(versions, 10_000)
steps_needed = 1000
statements = dict.fromkeys("abcdefg", True)
""",
    },
}
