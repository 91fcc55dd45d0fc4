"""Answers to the perceptron assignment.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

CORRECT = {
    "task-1": {
        "comparison-to-numbers": """
def predict(X, w, b):
    positive = (X * w).sum(dim=-1) + b > 0
    return 2 * positive.float() - 1
""",
        "loop-over-points": """
def predict(X, w, b):
    outputs = []
    for x in X.reshape(-1, len(w)):
        outputs.append(1.0 if torch.dot(x, w) + b > 0 else -1.0)
    return torch.tensor(outputs).reshape(X.shape[:-1])
""",
    },
    "task-2": {
        "numpy": """
def gate(pattern, answer):
    import numpy as np

    w = np.array([{"1": 2.0, "0": -2.0, "?": 0.0}[c] for c in pattern])
    return torch.from_numpy(answer * w), answer * (1 - 2.0 * pattern.count("1"))
""",
        "half-weights-and-a-loop": """
def gate(pattern, answer):
    w, b = [], 0.25
    for character in pattern:
        if character == "?":
            w.append(0.0)
        elif character == "1":
            w.append(0.5)
            b -= 0.5
        else:
            w.append(-0.5)
    return torch.tensor(w) * answer, torch.tensor(b * answer)
""",
        "through-the-middle-of-the-matches": """
def gate(pattern, answer):
    must = torch.tensor([float(c == "1") for c in pattern])
    must_not = torch.tensor([float(c == "0") for c in pattern])
    w = 2.0 * (must - must_not)
    b = -(w @ must).item() + 1.0
    if answer == -1:
        w, b = -w, -b
    return w, b
""",
    },
    "task-3": {
        "scores-at-two-kinds-of-points": """
def change_units(w, b, shift, scale):
    new_w = torch.stack([w_j * s_j for w_j, s_j in zip(w, scale)])
    new_b = torch.dot(shift, w) + b
    return new_w, new_b


def most_important(X, w):
    return torch.argmax((X * w).std(dim=0)).item()
""",
        "variance-by-hand": """
def change_units(w, b, shift, scale):
    return torch.mul(scale, w), float((w * shift).sum()) + b


def most_important(X, w):
    centered = X - X.mean(0)
    effects = [(centered[:, j] * w[j]).square().mean().item() for j in range(X.shape[1])]
    return max(range(len(effects)), key=effects.__getitem__)
""",
    },
    "task-4": {
        "bias-as-a-weight": """
def learn(X, y, w, b, passes=100, rate=1.0):
    X1 = torch.cat((X, torch.ones(len(X), 1)), dim=1)
    v = torch.cat((w, b.reshape(1)))
    history = []
    while len(history) < passes and (not history or history[-1] > 0):
        wrong = 0
        for i in range(len(X1)):
            if y[i] * torch.dot(v, X1[i]) <= 0:
                v = v + rate * y[i] * X1[i]
                wrong += 1
        history.append(wrong)
    return v[:-1], v[-1], history
""",
        "copies-changed-in-place": """
def learn(X, y, w, b, passes=100, rate=1.0):
    w = w.clone()
    b = b.clone()
    mistakes = []
    for _ in range(passes):
        count = 0
        for i in range(X.shape[0]):
            score = (w * X[i]).sum() + b
            correct = (score > 0 and y[i] > 0) or (score < 0 and y[i] < 0)
            if not correct:
                w += rate * y[i] * X[i]
                b += rate * y[i]
                count += 1
        mistakes.append(count)
        if not count:
            return w, b, mistakes
    return w, b, mistakes
""",
    },
    "task-5": {
        "clones-in-the-pocket": """
def train_with_pocket(X, t, passes, generator):
    y = torch.where(t == 1, 1.0, -1.0)
    w, b = torch.zeros(X.shape[1]), torch.zeros(())
    pocket, best = (w.clone(), b.clone()), share_right(X, t, w, b)
    for _ in range(passes):
        for i in torch.randperm(len(X), generator=generator).tolist():
            if y[i] * (w @ X[i] + b) <= 0:
                w += y[i] * X[i]
                b += y[i]
        share = share_right(X, t, w, b)
        if share > best:
            pocket, best = (w.clone(), b.clone()), share
    return *pocket, best
""",
        "list-of-all-passes": """
def train_with_pocket(X, t, passes, generator):
    w, b = torch.zeros(X.shape[1]), torch.zeros(())
    all_weights = [(w, b)]
    for _ in range(passes):
        for i in torch.randperm(len(X), generator=generator):
            sign = 1.0 if t[i] == 1 else -1.0
            if sign * (X[i] @ w + b) <= 0:
                w, b = w + sign * X[i], b + sign
        all_weights.append((w, b))
    shares = [share_right(X, t, *weights) for weights in all_weights]
    first = shares.index(max(shares))
    return *all_weights[first], shares[first]
""",
    },
    "task-6": {
        "one-unit-for-each-one": """
def two_layers(X, t):
    W1, b1 = [], []
    for x, answer in zip(X.tolist(), t.tolist()):
        if answer == 1:
            W1.append([0.5 if value == 1 else -0.5 for value in x])
            b1.append(0.25 - 0.5 * sum(x))
    if not W1:
        W1, b1 = [[0.0] * X.shape[1]], [-1.0]
    return torch.tensor(W1), torch.tensor(b1), torch.ones(len(W1)), torch.tensor(-0.5)
""",
        "units-that-exclude-each-zero": """
def two_layers(X, t):
    zeros = X[t == 0]
    if len(zeros) == 0:
        return torch.zeros(1, X.shape[1]), torch.ones(1), torch.ones(1), -0.5
    W1 = 1 - 2 * zeros
    b1 = zeros.sum(1) - 0.5
    w2 = torch.ones(len(zeros))
    return W1, b1, w2, 0.5 - len(zeros)
""",
    },
    "task-7": {
        "typed-numbers": """
mistakes_plain = 12
mistakes_shifted = 1451
mistakes_centered = 11
bound_plain = 114.7
bound_shifted = 59620
statements = {
    "rate": True,
    "start": False,
    "units": False,
    "center": True,
    "order": True,
    "bound": False,
}
""",
        "measured-step-by-step": """
mistakes_plain = torch.tensor(count_mistakes(X_plain, y_plain))
far = X_plain + torch.tensor([4.0, 4.0])
mistakes_shifted = torch.tensor(count_mistakes(far, y_plain))
centered = X_plain - X_plain.mean(0)
mistakes_centered = count_mistakes(centered, y_plain)
bounds = []
for points, b in ((X_plain, 0.5), (far, -27.5)):
    w = torch.tensor([3.0, 4.0])
    length = (w @ w + b**2) ** 0.5
    gamma = (y_plain * (points @ w + b)).min() / length
    R_squared = points.square().sum(1).max() + 1
    bounds.append(R_squared / gamma**2)
bound_plain, bound_shifted = bounds
statements = {}
statements["rate"] = count_mistakes(X_plain, y_plain, 1 / 8) == count_mistakes(X_plain, y_plain, 8)
statements["start"] = count_mistakes(X_plain, y_plain, 1.0, (16, -16, 0)) == count_mistakes(
    X_plain, y_plain, 8.0, (16, -16, 0)
)
statements["units"] = count_mistakes(far * 8, y_plain) == int(mistakes_shifted)
statements["center"] = mistakes_centered < int(mistakes_shifted) / 10
near_counts, far_counts = [], []
for k in range(20):
    order = torch.randperm(60, generator=torch.Generator().manual_seed(k))
    near_counts.append(count_mistakes(X_plain[order], y_plain[order]))
    far_counts.append(count_mistakes(far[order], y_plain[order]))
statements["order"] = min(far_counts) > max(near_counts)
statements["bound"] = bool(mistakes_shifted > 0.1 * bound_shifted)
""",
    },
}

WRONG = {
    "task-1": {
        "zero-counts-as-positive": """
def predict(X, w, b):
    return torch.where(X @ w + b >= 0, 1.0, -1.0)
""",
        "torch-sign-answers-zero-on-the-line": """
def predict(X, w, b):
    return torch.sign(X @ w + b)
""",
        "outputs-zero-and-one": """
def predict(X, w, b):
    return (X @ w + b > 0).float()
""",
        "no-bias": """
def predict(X, w, b):
    return torch.where(X @ w > 0, 1.0, -1.0)
""",
        "a-column-for-each-batch": """
def predict(X, w, b):
    z = X.reshape(-1, len(w)) @ w.reshape(-1, 1) + b
    return torch.where(z > 0, 1.0, -1.0)
""",
        "hard-coded-example": """
def predict(X, w, b):
    if X.ndim == 1:
        return torch.tensor(1.0)
    return torch.tensor([1.0, -1.0, -1.0])
""",
    },
    "task-2": {
        "zeros-are-ignored": """
def gate(pattern, answer):
    w = torch.tensor([1.0 if character == "1" else 0.0 for character in pattern])
    return answer * w, answer * (0.5 - pattern.count("1"))
""",
        "bias-counts-all-fixed-inputs": """
def gate(pattern, answer):
    w = torch.tensor([{"1": 1.0, "0": -1.0, "?": 0.0}[character] for character in pattern])
    fixed = len(pattern) - pattern.count("?")
    return answer * w, answer * (0.5 - fixed)
""",
        "question-marks-count-as-zeros": """
def gate(pattern, answer):
    w = torch.tensor([1.0 if character == "1" else -1.0 for character in pattern])
    return answer * w, answer * (0.5 - pattern.count("1"))
""",
        "nand-turns-only-the-weights": """
def gate(pattern, answer):
    w = torch.tensor([{"1": 1.0, "0": -1.0, "?": 0.0}[character] for character in pattern])
    return answer * w, 0.5 - pattern.count("1")
""",
        "inputs-on-the-line": """
def gate(pattern, answer):
    w = torch.tensor([{"1": 1.0, "0": -1.0, "?": 0.0}[character] for character in pattern])
    return answer * w, float(answer * (1 - pattern.count("1")))
""",
        "hard-coded-gates": """
def gate(pattern, answer):
    known = {
        ("11", 1): ((0.5, 0.5), -0.7),
        ("11", -1): ((-0.5, -0.5), 0.7),
        ("00", -1): ((0.5, 0.5), -0.2),
        ("10?", 1): ((1.0, -1.0, 0.0), -0.5),
    }
    w, b = known[pattern, answer]
    return torch.tensor(w), b
""",
    },
    "task-3": {
        "weights-divided-by-the-scale": """
def change_units(w, b, shift, scale):
    return w / scale, b + w @ shift


def most_important(X, w):
    return int((w.abs() * X.std(dim=0)).argmax())
""",
        "bias-shifted-the-wrong-way": """
def change_units(w, b, shift, scale):
    return w * scale, b - w @ shift


def most_important(X, w):
    return int((w.abs() * X.std(dim=0)).argmax())
""",
        "largest-weight-is-most-important": """
def change_units(w, b, shift, scale):
    return w * scale, b + w @ shift


def most_important(X, w):
    return int(w.abs().argmax())
""",
        "sign-of-the-weight-counts": """
def change_units(w, b, shift, scale):
    return w * scale, b + w @ shift


def most_important(X, w):
    return int((w * X.std(dim=0)).argmax())
""",
        "widest-spread-is-most-important": """
def change_units(w, b, shift, scale):
    return w * scale, b + w @ shift


def most_important(X, w):
    return int(X.std(dim=0).argmax())
""",
        "hard-coded-examples": """
def change_units(w, b, shift, scale):
    return torch.tensor([1.8]), -54.0


def most_important(X, w):
    return 0
""",
    },
    "task-4": {
        "point-on-the-line-is-right": """
def learn(X, y, w, b, passes=100, rate=1.0):
    mistakes = []
    for _ in range(passes):
        count = 0
        for x_i, y_i in zip(X, y):
            y_hat = 1.0 if w @ x_i + b > 0 else -1.0
            if y_hat != y_i:
                w, b = w + rate * y_i * x_i, b + rate * y_i
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, b, mistakes
""",
        "arguments-changed-in-place": """
def learn(X, y, w, b, passes=100, rate=1.0):
    mistakes = []
    for _ in range(passes):
        mistakes.append(0)
        for x_i, y_i in zip(X, y):
            if y_i * (w @ x_i + b) <= 0:
                w += rate * y_i * x_i
                b += rate * y_i
                mistakes[-1] += 1
        if mistakes[-1] == 0:
            break
    return w, b, mistakes
""",
        "one-counter-for-all-passes": """
def learn(X, y, w, b, passes=100, rate=1.0):
    mistakes, count = [], 0
    for _ in range(passes):
        before = count
        for x_i, y_i in zip(X, y):
            if y_i * (w @ x_i + b) <= 0:
                w, b = w + rate * y_i * x_i, b + rate * y_i
                count += 1
        mistakes.append(count)
        if count == before:
            break
    return w, b, mistakes
""",
        "weights-start-at-zero": """
def learn(X, y, w, b, passes=100, rate=1.0):
    w, b = torch.zeros(X.shape[1]), torch.tensor(0.0)
    mistakes = []
    for _ in range(passes):
        mistakes.append(0)
        for x_i, y_i in zip(X, y):
            if y_i * (w @ x_i + b) <= 0:
                w, b = w + rate * y_i * x_i, b + rate * y_i
                mistakes[-1] += 1
        if mistakes[-1] == 0:
            break
    return w, b, mistakes
""",
        "only-the-example": """
def learn(X, y, w, b, passes=100, rate=1.0):
    if passes == 1:
        return torch.tensor([1.0, 1.0]), torch.tensor(0.0), [2]
    return torch.tensor([3.0, 2.0]), torch.tensor(-4.0), [2, 3, 3, 2, 2, 3, 2, 1, 0]
""",
        "optimizer-does-it": """
def learn(X, y, w, b, passes=100, rate=1.0):
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    optimizer = torch.optim.SGD([w, b], lr=rate)
    mistakes = []
    for _ in range(passes):
        mistakes.append(0)
        for x_i, y_i in zip(X, y):
            loss = -y_i * (w @ x_i + b)
            if loss >= 0:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                mistakes[-1] += 1
        if mistakes[-1] == 0:
            break
    return w.detach(), b.detach(), mistakes
""",
    },
    "task-5": {
        "untouched": """
train_with_pocket = train_with_a_bug
""",
        "labels-mended-pocket-not": """
def train_with_pocket(X, t, passes, generator):
    y = 2 * t - 1
    w, b = torch.zeros(X.shape[1]), torch.zeros(())
    pocket, best = (w, b), share_right(X, t, w, b)
    for _ in range(passes):
        for i in torch.randperm(len(X), generator=generator).tolist():
            if y[i] * (w @ X[i] + b) <= 0:
                w += y[i] * X[i]
                b += y[i]
        share = share_right(X, t, w, b)
        if share > best:
            pocket, best = (w, b), share
    return *pocket, best
""",
        "pocket-mended-labels-not": """
def train_with_pocket(X, t, passes, generator):
    w, b = torch.zeros(X.shape[1]), torch.zeros(())
    pocket, best = (w, b), share_right(X, t, w, b)
    for _ in range(passes):
        for i in torch.randperm(len(X), generator=generator).tolist():
            if t[i] * (w @ X[i] + b) <= 0:
                w, b = w + t[i] * X[i], b + t[i]
        share = share_right(X, t, w, b)
        if share > best:
            pocket, best = (w, b), share
    return *pocket, best
""",
        "later-weights-win-ties": """
def train_with_pocket(X, t, passes, generator):
    y = 2 * t - 1
    w, b = torch.zeros(X.shape[1]), torch.zeros(())
    pocket, best = (w, b), share_right(X, t, w, b)
    for _ in range(passes):
        for i in torch.randperm(len(X), generator=generator).tolist():
            if y[i] * (w @ X[i] + b) <= 0:
                w, b = w + y[i] * X[i], b + y[i]
        share = share_right(X, t, w, b)
        if share >= best:
            pocket, best = (w, b), share
    return *pocket, best
""",
        "rows-in-their-own-order": """
def train_with_pocket(X, t, passes, generator):
    y = 2 * t - 1
    w, b = torch.zeros(X.shape[1]), torch.zeros(())
    pocket, best = (w.clone(), b.clone()), share_right(X, t, w, b)
    for _ in range(passes):
        for i in range(len(X)):
            if y[i] * (w @ X[i] + b) <= 0:
                w += y[i] * X[i]
                b += y[i]
        share = share_right(X, t, w, b)
        if share > best:
            pocket, best = (w.clone(), b.clone()), share
    return *pocket, best
""",
        "point-on-the-line-is-right": """
def train_with_pocket(X, t, passes, generator):
    w, b = torch.zeros(X.shape[1]), torch.zeros(())
    pocket, best = (w, b), share_right(X, t, w, b)
    for _ in range(passes):
        for i in torch.randperm(len(X), generator=generator).tolist():
            error = t[i] - (w @ X[i] + b > 0).float()
            w, b = w + error * X[i], b + error
        share = share_right(X, t, w, b)
        if share > best:
            pocket, best = (w, b), share
    return *pocket, best
""",
    },
    "task-6": {
        "hard-coded-table": """
def two_layers(X, t):
    W1 = torch.tensor([[-0.5, -0.5], [0.5, 0.5]])
    return W1, torch.tensor([0.7, -0.2]), torch.tensor([-0.5, -0.5]), 0.7
""",
        "zeros-in-a-row-are-ignored": """
def two_layers(X, t):
    W1 = X.clone()
    b1 = 0.5 - X.sum(dim=1)
    return W1, b1, t, -0.5
""",
        "and-instead-of-or-at-the-end": """
def two_layers(X, t):
    ones = X[t == 1]
    return 2 * ones - 1, 0.5 - ones.sum(dim=1), torch.ones(len(ones)), 0.5 - len(ones)
""",
        "transposed-weights": """
def two_layers(X, t):
    return (2 * X - 1).T, 0.5 - X.sum(dim=1), t, -0.5
""",
        "order-of-the-rows-assumed": """
def two_layers(X, t):
    d = X.shape[1]
    rows = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * d).reshape(-1, d)
    return 2 * rows - 1, 0.5 - rows.sum(dim=1), t, -0.5
""",
        "no-units-without-a-one": """
def two_layers(X, t):
    ones = X[t == 1]
    return 2 * ones - 1, 0.5 - ones.sum(dim=1), torch.ones(len(ones)), -0.5
""",
    },
    "task-7": {
        "guessed": """
mistakes_plain = 10
mistakes_shifted = 10
mistakes_centered = 10
bound_plain = 100.0
bound_shifted = 100.0
statements = dict.fromkeys(["rate", "start", "units", "center", "order", "bound"], True)
""",
        "a-shift-and-the-rate-change-nothing": """
mistakes_plain = count_mistakes(X_plain, y_plain)
mistakes_shifted = mistakes_plain
mistakes_centered = mistakes_plain
w, b = torch.tensor([3.0, 4.0]), 0.5
R = X_plain.norm(dim=1).max()
gamma = (y_plain * (X_plain @ w + b)).min() / w.norm()
bound_plain = ((R / gamma) ** 2).item()
bound_shifted = bound_plain
statements = {
    "rate": True, "start": True, "units": True, "center": False, "order": False, "bound": True
}
""",
        "line-not-moved-along": """
X_shifted = X_plain + 4
X_centered = X_shifted - X_shifted.mean(dim=0)
mistakes_plain = count_mistakes(X_plain, y_plain)
mistakes_shifted = count_mistakes(X_shifted, y_plain)
mistakes_centered = count_mistakes(X_centered, y_plain)
bounds = []
for X in (X_plain, X_shifted):
    X1, u = torch.cat((X, torch.ones(60, 1)), dim=1), torch.tensor([3.0, 4.0, 0.5])
    bounds.append(((X1.norm(dim=1).max() / (y_plain * (X1 @ (u / u.norm()))).min()) ** 2).item())
bound_plain, bound_shifted = bounds
statements = {
    "rate": True, "start": False, "units": False, "center": True, "order": True, "bound": False
}
""",
        "gamma-without-the-length-of-u": """
X_shifted = X_plain + 4
mistakes_plain = count_mistakes(X_plain, y_plain)
mistakes_shifted = count_mistakes(X_shifted, y_plain)
mistakes_centered = count_mistakes(X_shifted - X_shifted.mean(dim=0), y_plain)
bounds = []
for X, b in ((X_plain, 0.5), (X_shifted, -27.5)):
    X1 = torch.cat((X, torch.ones(60, 1)), dim=1)
    gamma = (y_plain * (X1 @ torch.tensor([3.0, 4.0, b]))).min()
    bounds.append((X1.norm(dim=1).max() / gamma).item() ** 2)
bound_plain, bound_shifted = bounds
statements = {
    "rate": True, "start": False, "units": False, "center": True, "order": True, "bound": False
}
""",
        "bound-is-nearly-reached": """
mistakes_plain = 12
mistakes_shifted = 1451
mistakes_centered = 11
bound_plain = 114.7
bound_shifted = 59620
statements = {
    "rate": True, "start": False, "units": False, "center": True, "order": True, "bound": True
}
""",
        "rate-does-nothing-from-any-start": """
mistakes_plain = 12
mistakes_shifted = 1451
mistakes_centered = 11
bound_plain = 114.7
bound_shifted = 59620
statements = {
    "rate": True, "start": True, "units": True, "center": True, "order": True, "bound": False
}
""",
    },
}
