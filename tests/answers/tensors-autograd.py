"""Answers to the assignment on tensors and automatic differentiation.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

SQUARED = """
def squared_distances(A, B):
    return ((A.unsqueeze(1) - B) ** 2).sum(dim=-1)
"""

MSE = """
def mse(answers, targets):
    if len(answers) != len(targets):
        raise ValueError("the numbers of answers and targets differ")
    return ((answers.reshape(-1) - targets.reshape(-1)) ** 2).mean()
"""

RECORDED = """
def recorded(leaves, steps):
    requires = dict(leaves)
    for name, operation, inputs in steps:
        requires[name] = operation in ("add", "mul") and any(requires[i] for i in inputs)
    return requires
"""

FILLED = """
def filled(leaves, steps):
    requires = recorded(leaves, steps)
    reached = {steps[-1][0]} if requires[steps[-1][0]] else set()
    for name, _, inputs in reversed(steps):
        if name in reached:
            reached |= {i for i in inputs if requires[i]}
    return reached & set(leaves)
"""

CORRECT = {
    "task-1": {
        "gray-and-color-apart": """
def to_network(pictures):
    scaled = pictures.to(torch.float32) / 255
    if scaled.ndim == 3:
        return scaled[:, None]
    return scaled.movedim(-1, 1)
""",
        "two-transpositions": """
def to_network(pictures):
    if len(pictures.shape) == 3:
        n, h, w = pictures.shape
        pictures = pictures.view(n, h, w, 1)
    pictures = pictures.transpose(2, 3).transpose(1, 2).contiguous()
    return torch.div(pictures, 255.0)
""",
    },
    "task-2": {
        "the-square-multiplied-out": """
def squared_distances(A, B):
    return (A * A).sum(1, keepdim=True) - 2 * A @ B.T + (B * B).sum(1)


def mse(answers, targets):
    answers, targets = answers.flatten(), targets.flatten()
    if answers.shape != targets.shape:
        raise ValueError("as many answers as targets, please")
    return F.mse_loss(answers, targets)
""",
        "loop-over-the-coordinates": """
def squared_distances(A, B):
    total = torch.zeros(len(A), len(B))
    for k in range(A.shape[1]):
        total = total + (A[:, k : k + 1] - B[:, k]) ** 2
    return total


def mse(answers, targets):
    answers, targets = answers.squeeze(), targets.squeeze()
    if answers.shape != targets.shape:
        raise ValueError("compare the shapes")
    return (answers - targets).pow(2).mean()
""",
        "views-with-axes-of-length-one": """
def squared_distances(A, B):
    n, d = A.shape
    difference = A.view(n, 1, d) - B.view(1, B.shape[0], d)
    return torch.einsum("ijk,ijk->ij", difference, difference)


def mse(answers, targets):
    if answers.numel() != targets.numel():
        raise ValueError(f"{answers.numel()} and {targets.numel()}")
    if answers.dim() == 2:
        answers = answers.squeeze(1)
    if targets.dim() == 2:
        targets = targets[:, 0]
    error = answers - targets
    return error @ error / len(error)
""",
    },
    "task-3": {
        "expanded": """
def gradients(x, w, b):
    n = x.numel()
    u = w * x
    z = u**2 + u * b
    along = 2 / n * z * (2 * u + b)
    return z @ z / n, along * w, along @ x, 2 / n * (z @ u)
""",
        "row-by-row": """
def gradients(x, w, b):
    L, g_w, g_b, g_x = 0 * w, 0 * w, 0 * b, torch.zeros_like(x)
    for i in range(len(x)):
        u = x[i] * w
        s = u + b
        z = u * s
        L = L + z * z / len(x)
        g_z = 2 * z / len(x)
        g_s = g_z * u
        g_u = g_z * s + g_s
        g_b = g_b + g_s
        g_w = g_w + g_u * x[i]
        g_x[i] = g_u * w
    return L, g_x, g_w, g_b
""",
    },
    "task-4": {
        "branches-and-recursion": """
def recorded(leaves, steps):
    result = {}
    for name in leaves:
        result[name] = leaves[name]
    for name, operation, inputs in steps:
        if operation == "detach" or operation == "no_grad":
            result[name] = False
        else:
            result[name] = result[inputs[0]] or result[inputs[1]]
    return result


def filled(leaves, steps):
    made = {name: (operation, inputs) for name, operation, inputs in steps}

    def behind(name):
        if name in leaves:
            return {name} if leaves[name] else set()
        operation, inputs = made[name]
        if operation in ("detach", "no_grad"):
            return set()
        return set().union(*(behind(i) for i in inputs))

    return behind(steps[-1][0])
""",
        "sets-of-leaves-going-forward": """
def _behind(leaves, steps):
    sets = {name: {name} if on else set() for name, on in leaves.items()}
    for name, operation, inputs in steps:
        sets[name] = set()
        if operation not in ("detach", "no_grad"):
            for i in inputs:
                sets[name] |= sets[i]
    return sets


def recorded(leaves, steps):
    return {name: len(found) > 0 for name, found in _behind(leaves, steps).items()}


def filled(leaves, steps):
    return _behind(leaves, steps)[steps[-1][0]]
""",
    },
    "task-5": {
        "sums-divided-at-the-end": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for start in range(0, len(X), size):
        stop = min(start + size, len(X))
        model.zero_grad()
        loss_of_batch = 0.0
        for a in range(start, stop, part):
            b = min(a + part, stop)
            loss = ((model(X[a:b]) - T[a:b]) ** 2).mean(dim=1).sum() / (stop - start)
            loss.backward()
            loss_of_batch += loss.detach()
        optimizer.step()
        losses.append(float(loss_of_batch))
    return losses
""",
        "zero-at-both-ends": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    optimizer.zero_grad()
    losses = []
    for x, t in zip(X.split(size), T.split(size)):
        total = 0
        for x_part, t_part in zip(x.split(part), t.split(part)):
            share = len(x_part) / len(x)
            loss = share * F.mse_loss(model(x_part), t_part)
            total += loss.item()
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total)
    return losses
""",
    },
    "task-6": {
        "typed-numbers": """
zeroed = 0.1326
forgotten = -0.0877
crossing = 11
late = 1.0025
statements = {
    "first": True,
    "ahead": True,
    "fades": False,
    "small": False,
    "large": False,
    "second": False,
}
""",
        "step-by-step": """
run = torch.tensor(follow(0.01, 1000, 0))
clean = torch.tensor(follow(0.01, 100))
zeroed = clean[-1]
forgotten = run[99]
crossing = int((run < 0).nonzero()[0, 0]) + 1
late = run[900:1000].abs().max()
statements = {}
statements["first"] = bool(run[0] == clean[0])
statements["ahead"] = bool(run[10].abs() < clean[10].abs())
statements["fades"] = bool(late < 0.5 * run[:100].abs().max())
statements["small"] = max(map(abs, follow(0.001, 10_000, 0)[-1000:])) < 0.1
biggest = [max(map(abs, follow(1.5, 100, every))) for every in (0, 1)]
statements["large"] = biggest[0] > 1000 and biggest[1] > 1000
statements["second"] = abs(follow(0.01, 100, 2)[99]) > abs(follow(0.01, 100, 1)[99])
""",
    },
}

WRONG = {
    "task-1": {
        "reshaped-instead-of-permuted": """
def to_network(pictures):
    if pictures.dim() == 3:
        pictures = pictures.unsqueeze(-1)
    n, height, width, channels = pictures.shape
    return pictures.reshape(n, channels, height, width).float() / 255
""",
        "rows-and-columns-exchanged-too": """
def to_network(pictures):
    if pictures.dim() == 3:
        pictures = pictures.unsqueeze(-1)
    return pictures.transpose(1, 3).float() / 255
""",
        "bytes-not-scaled": """
def to_network(pictures):
    if pictures.dim() == 3:
        pictures = pictures.unsqueeze(-1)
    return pictures.permute(0, 3, 1, 2).float()
""",
        "divided-as-bytes": """
def to_network(pictures):
    if pictures.dim() == 3:
        pictures = pictures.unsqueeze(-1)
    return (pictures // 255).permute(0, 3, 1, 2).float()
""",
        "double-precision": """
def to_network(pictures):
    if pictures.dim() == 3:
        pictures = pictures.unsqueeze(-1)
    return pictures.permute(0, 3, 1, 2).double() / 255
""",
        "gray-pictures-get-their-channel-in-front": """
def to_network(pictures):
    if pictures.dim() == 3:
        return pictures.unsqueeze(0).float() / 255
    return pictures.permute(0, 3, 1, 2).float() / 255
""",
        "hard-coded-example": """
def to_network(pictures):
    return torch.tensor([[[[1.0, 0.0]], [[0.0, 0.4]], [[0.2, 0.0]]]])
""",
    },
    "task-2": {
        "loop-over-the-rows": """
def squared_distances(A, B):
    return torch.stack([((a - B) ** 2).sum(dim=1) for a in A])
"""
        + MSE,
        "library-function": """
def squared_distances(A, B):
    return torch.cdist(A, B) ** 2
"""
        + MSE,
        "distance-not-squared": """
def squared_distances(A, B):
    return ((A.unsqueeze(1) - B) ** 2).sum(dim=-1).sqrt()
"""
        + MSE,
        "rows-of-b-first": """
def squared_distances(A, B):
    return ((A - B.unsqueeze(1)) ** 2).sum(dim=-1)
"""
        + MSE,
        "rows-paired-not-crossed": """
def squared_distances(A, B):
    return ((A - B) ** 2).sum(dim=-1)
"""
        + MSE,
        "column-against-row": SQUARED
        + """
def mse(answers, targets):
    if len(answers) != len(targets):
        raise ValueError("the numbers of answers and targets differ")
    return ((answers - targets) ** 2).mean()
""",
        "no-error-for-other-lengths": SQUARED
        + """
def mse(answers, targets):
    return ((answers.flatten() - targets.flatten()) ** 2).mean()
""",
        "targets-never-a-column": SQUARED
        + """
def mse(answers, targets):
    if len(answers) != len(targets):
        raise ValueError("the numbers of answers and targets differ")
    return ((answers.reshape(-1) - targets) ** 2).mean()
""",
        "every-column-is-refused": SQUARED
        + """
def mse(answers, targets):
    if answers.shape != targets.shape:
        raise ValueError("the shapes of answers and targets differ")
    return ((answers - targets) ** 2).mean()
""",
    },
    "task-3": {
        "one-use-of-u-forgotten": """
def gradients(x, w, b):
    u = x * w
    z = u * (u + b)
    g_z = 2 * z / len(x)
    g_u = g_z * (u + b)
    return (z**2).mean(), g_u * w, (g_u * x).sum(), (g_z * u).sum()
""",
        "shares-not-added-over-the-rows": """
def gradients(x, w, b):
    u = x * w
    z = u * (u + b)
    g_z = 2 * z / len(x)
    g_u = g_z * (2 * u + b)
    return (z**2).mean(), g_u * w, g_u * x, g_z * u
""",
        "factor-of-the-mean-forgotten": """
def gradients(x, w, b):
    u = x * w
    z = u * (u + b)
    g_z = 2 * z
    g_u = g_z * (2 * u + b)
    return (z**2).mean(), g_u * w, (g_u * x).sum(), (g_z * u).sum()
""",
        "mean-taken-twice": """
def gradients(x, w, b):
    u = x * w
    z = u * (u + b)
    g_z = 2 * z / len(x)
    g_u = g_z * (2 * u + b)
    return (z**2).mean(), g_u * w, (g_u * x).mean(), (g_z * u).mean()
""",
        "gradient-for-b-is-that-of-z": """
def gradients(x, w, b):
    u = x * w
    z = u * (u + b)
    g_z = 2 * z / len(x)
    g_u = g_z * (2 * u + b)
    return (z**2).mean(), g_u * w, (g_u * x).sum(), g_z.sum()
""",
        "autograd-does-it": """
def gradients(x, w, b):
    x, w, b = (v.clone().requires_grad_() for v in (x, w, b))
    u = x * w
    L = ((u * (u + b)) ** 2).mean()
    L.backward()
    return L.detach(), x.grad, w.grad, b.grad
""",
        "another-way-into-autograd": """
def gradients(x, w, b):
    def loss(x, w, b):
        return ((x * w * (x * w + b)) ** 2).mean()

    return loss(x, w, b), *torch.func.grad(loss, argnums=(0, 1, 2))(x, w, b)
""",
        "finite-differences": """
def gradients(x, w, b):
    def loss(x, w, b):
        return ((x * w * (x * w + b)) ** 2).mean()

    return (
        loss(x, w, b),
        check.finite_differences(lambda v: loss(v, w, b), x),
        check.finite_differences(lambda v: loss(x, v, b), w),
        check.finite_differences(lambda v: loss(x, w, v), b),
    )
""",
        "hard-coded-example": """
def gradients(x, w, b):
    return tuple(torch.tensor(v) for v in (2.0, [0.0, 6.0], 12.0, 4.0))
""",
    },
    "task-4": {
        "all-inputs-must-require-it": """
def recorded(leaves, steps):
    requires = dict(leaves)
    for name, operation, inputs in steps:
        requires[name] = operation in ("add", "mul") and all(requires[i] for i in inputs)
    return requires
"""
        + FILLED,
        "only-the-first-input-counts": """
def recorded(leaves, steps):
    requires = dict(leaves)
    for name, operation, inputs in steps:
        requires[name] = operation in ("add", "mul") and requires[inputs[0]]
    return requires
"""
        + FILLED,
        "no-grad-only-for-its-inputs": """
def recorded(leaves, steps):
    requires = dict(leaves)
    for name, operation, inputs in steps:
        requires[name] = operation != "detach" and any(requires[i] for i in inputs)
    return requires
"""
        + FILLED,
        "detach-changes-its-input": """
def recorded(leaves, steps):
    requires = dict(leaves)
    for name, operation, inputs in steps:
        requires[name] = operation in ("add", "mul") and any(requires[i] for i in inputs)
        if operation == "detach":
            requires[inputs[0]] = False
    return requires
"""
        + FILLED,
        "every-parameter-gets-a-gradient": RECORDED
        + """
def filled(leaves, steps):
    return {name for name in leaves if leaves[name]}
""",
        "backward-walks-through-detach": RECORDED
        + """
def filled(leaves, steps):
    reached = {steps[-1][0]}
    for name, _, inputs in reversed(steps):
        if name in reached:
            reached |= set(inputs)
    return {name for name in reached if leaves.get(name)}
""",
        "results-count-too": RECORDED
        + """
def filled(leaves, steps):
    requires = recorded(leaves, steps)
    reached = {steps[-1][0]} if requires[steps[-1][0]] else set()
    for name, _, inputs in reversed(steps):
        if name in reached:
            reached |= {i for i in inputs if requires[i]}
    return reached
""",
        "leaves-without-gradient-are-reached": RECORDED
        + """
def filled(leaves, steps):
    requires = recorded(leaves, steps)
    reached = {steps[-1][0]} if requires[steps[-1][0]] else set()
    for name, _, inputs in reversed(steps):
        if name in reached and requires[name]:
            reached |= set(inputs)
    return reached & set(leaves)
""",
        "pytorch-decides": """
def recorded(leaves, steps):
    values = {name: torch.tensor(1.0, requires_grad=on) for name, on in leaves.items()}
    for name, operation, inputs in steps:
        first, last = values[inputs[0]], values[inputs[-1]]
        if operation == "detach":
            values[name] = first.detach()
        elif operation == "no_grad":
            with torch.no_grad():
                values[name] = first + last
        else:
            values[name] = first + last if operation == "add" else first * last
    return {name: value.requires_grad for name, value in values.items()}
"""
        + FILLED,
        "hard-coded-example": """
def recorded(leaves, steps):
    return {"x": False, "w": True, "v": True, "a": True, "c": False, "d": True}


def filled(leaves, steps):
    return {"v"}
""",
    },
    "task-5": {
        "untouched": """
train = train_with_bugs
""",
        "only-the-record-mended": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        for i in rows.split(part):
            optimizer.zero_grad()
            loss = F.mse_loss(model(X[i]), T[i])
            loss.backward()
            total = total + loss.item()
        optimizer.step()
        losses.append(total)
    return losses
""",
        "zero-mended-parts-not-weighted": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        optimizer.zero_grad()
        for i in rows.split(part):
            loss = F.mse_loss(model(X[i]), T[i])
            loss.backward()
            total += loss.item()
        optimizer.step()
        losses.append(total)
    return losses
""",
        "weighted-zero-still-inside": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        for i in rows.split(part):
            optimizer.zero_grad()
            loss = F.mse_loss(model(X[i]), T[i]) * len(i) / len(rows)
            loss.backward()
            total += loss.item()
        optimizer.step()
        losses.append(total)
    return losses
""",
        "all-parts-weigh-the-same": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        optimizer.zero_grad()
        parts = rows.split(part)
        for i in parts:
            loss = F.mse_loss(model(X[i]), T[i]) / len(parts)
            loss.backward()
            total += loss.item()
        optimizer.step()
        losses.append(total)
    return losses
""",
        "divided-by-the-full-batch-size": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        optimizer.zero_grad()
        for i in rows.split(part):
            loss = F.mse_loss(model(X[i]), T[i]) * len(i) / size
            loss.backward()
            total += loss.item()
        optimizer.step()
        losses.append(total)
    return losses
""",
        "whole-batch-at-once": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for i in torch.arange(len(X)).split(size):
        optimizer.zero_grad()
        loss = F.mse_loss(model(X[i]), T[i])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
        "one-backward-for-all-parts": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        optimizer.zero_grad()
        for i in rows.split(part):
            total = total + F.mse_loss(model(X[i]), T[i]) * len(i) / len(rows)
        total.backward()
        optimizer.step()
        losses.append(total.item())
    return losses
""",
        "a-step-for-every-part": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        for i in rows.split(part):
            optimizer.zero_grad()
            loss = F.mse_loss(model(X[i]), T[i]) * len(i) / len(rows)
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total)
    return losses
""",
        "losses-still-recorded": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        optimizer.zero_grad()
        for i in rows.split(part):
            loss = F.mse_loss(model(X[i]), T[i]) * len(i) / len(rows)
            loss.backward()
            total = total + loss
        optimizer.step()
        losses.append(total)
    return losses
""",
        "detached-before-backward": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        optimizer.zero_grad()
        for i in rows.split(part):
            loss = F.mse_loss(model(X[i]).detach(), T[i]) * len(i) / len(rows)
            loss.requires_grad_().backward()
            total += loss.item()
        optimizer.step()
        losses.append(total)
    return losses
""",
        "zero-only-after-the-step": """
def train(model, X, T, rate, size, part):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for rows in torch.arange(len(X)).split(size):
        total = 0.0
        for i in rows.split(part):
            loss = F.mse_loss(model(X[i]), T[i]) * len(i) / len(rows)
            loss.backward()
            total += loss.item()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total)
    return losses
""",
    },
    "task-6": {
        "like-a-larger-learning-rate": """
zeroed = 0.1326
forgotten = 0.0176
crossing = 51
late = 0.0
statements = {
    "first": True,
    "ahead": True,
    "fades": True,
    "small": True,
    "large": True,
    "second": False,
}
""",
        "it-explodes-always": """
zeroed = 0.1326
forgotten = -0.0877
crossing = 11
late = 5000.0
statements = {
    "first": True,
    "ahead": False,
    "fades": False,
    "small": False,
    "large": True,
    "second": True,
}
""",
        "steps-counted-from-zero": """
zeroed = follow(0.01, 100)[-1]
forgotten = follow(0.01, 100, zero_every=0)[-1]
crossing = [w < 0 for w in follow(0.01, 1000, zero_every=0)].index(True)
late = max(abs(w) for w in follow(0.01, 1000, zero_every=0)[900:])
statements = {
    "first": True,
    "ahead": True,
    "fades": False,
    "small": False,
    "large": False,
    "second": False,
}
""",
        "zeroed-and-forgotten-exchanged": """
zeroed = follow(0.01, 100, zero_every=0)[-1]
forgotten = follow(0.01, 100)[-1]
crossing = 11
late = 1.0025
statements = {
    "first": True,
    "ahead": True,
    "fades": False,
    "small": False,
    "large": False,
    "second": False,
}
""",
        "one-statement-guessed": """
zeroed = 0.1326
forgotten = -0.0877
crossing = 11
late = 1.0025
statements = {
    "first": True,
    "ahead": True,
    "fades": False,
    "small": True,
    "large": False,
    "second": False,
}
""",
    },
}
