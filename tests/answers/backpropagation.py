"""Answers to the backpropagation assignment.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

from classroom import changed

PULLS = """

def pulls(A_in, D):
    return (D.square().sum(1) * (1 + A_in.square().sum(1))).sqrt()
"""
LAYER_GRADIENTS = """
def layer_gradients(A_in, D):
    return D.T @ A_in / len(D), D.mean(0, keepdim=True)

"""
SOFTMAX_ERROR = """

def softmax_error(Z, G):
    P = Z.softmax(dim=1)
    return P * G - P * (P * G).sum(dim=1, keepdim=True)
"""
CROSS_ENTROPY_ERROR = """
def cross_entropy_error(Z, Y, T=1.0):
    P = (Z / T).softmax(dim=1)
    return (P * Y.sum(dim=1, keepdim=True) - Y) / T

"""
FIRST_FAULT = """

def first_fault(differences, tolerance=1e-4):
    for l in reversed(range(1, len(differences) + 1)):
        weights, biases = differences[l - 1]
        if weights > tolerance and biases > tolerance:
            return "error term", l
        if weights > tolerance:
            return "weights", l
        if biases > tolerance:
            return "biases", l
"""
RELATIVE_DIFFERENCES = """
def relative_differences(loss, layers, gradients, h=1e-5):
    result = []
    for l in range(len(layers)):
        pair = []
        for part in range(2):
            g = gradients[l][part].flatten()
            d = torch.zeros(len(g))
            for i in range(len(g)):
                values = []
                for sign in (1, -1):
                    copy = [[p.clone() for p in layer] for layer in layers]
                    copy[l][part].view(-1)[i] += sign * h
                    values.append(float(loss(copy)))
                d[i] = (values[0] - values[1]) / (2 * h)
            longest = max(float(g.norm()), float(d.norm()))
            pair.append(float((g - d).norm()) / longest if longest >= 1e-8 else 0.0)
        result.append(tuple(pair))
    return result

"""
TRAIN = """
def train(X, Y, layers, functions, rate, steps):
    Ws, bs = [W for W, _ in layers], [b for _, b in layers]
    losses = []
    for _ in range(steps):
        outputs, sums, a = [X], [], X
        for W, b, (f, _) in zip(Ws, bs, functions):
            z = torch.einsum("nk,mk->nm", a, W) + b
            a = f(z)
            sums.append(z)
            outputs.append(a)
        losses.append(float(((a - Y) ** 2).sum()) / (2 * len(X)))
        D = (a - Y) * functions[-1][1](sums[-1])
        new_Ws, new_bs = list(Ws), list(bs)
        for l in reversed(range(len(Ws))):
            new_Ws[l] = Ws[l] - rate * (D.T @ outputs[l]) / len(X)
            new_bs[l] = bs[l] - rate * D.mean(0, keepdim=True)
            if l > 0:
                D = (D @ Ws[l]) * functions[l - 1][1](sums[l - 1])
        Ws, bs = new_Ws, new_bs
    return list(zip(Ws, bs)), losses
"""
CLASSIFIER = """
def train_classifier(X, Y, layers, rate, steps):
    layers = list(layers)
    for _ in range(steps):
        A, Z = probabilities(X, layers)
        D = A[-1] - Y
        for l in range(len(layers), 0, -1):
            W, b = layers[l - 1]
            new_W = W - rate * D.mT @ A[l - 1] / len(X)
            new_b = b - rate * D.mean(dim=0, keepdim=True)
            layers[l - 1] = (new_W, new_b)
            if l > 1:
                D = D @ W * sigmoid_slope(Z[l - 1])
    return layers
"""
TYPED = """
solved = {"none": 100, "no slope": 18, "slope of a": 15, "random": 93, "opposite": 0}
lower = {"none": 100, "no slope": 96, "slope of a": 96, "random": 100, "opposite": 97}
differences = {
    "none": 0.0, "no slope": 3.4408, "slope of a": 0.48638, "random": 1.61245, "opposite": 2.0
}
statements = {
    "last": True, "falls": True, "order": False, "cosine": False, "random": True, "align": True
}
"""


CORRECT = {
    "task-1": {
        "other-functions": LAYER_GRADIENTS + PULLS,
        "own-gradient-of-each-sample": """
def layer_gradients(A_in, D):
    by_W = torch.zeros(D.shape[1], A_in.shape[1])
    by_b = torch.zeros(1, D.shape[1])
    for a, delta in zip(A_in, D):
        by_W += torch.outer(delta, a)
        by_b += delta
    return by_W / A_in.shape[0], by_b / A_in.shape[0]


def pulls(A_in, D):
    lengths = []
    for a, delta in zip(A_in, D):
        own = torch.outer(delta, a)
        lengths.append((own.square().sum() + delta.square().sum()) ** 0.5)
    return torch.stack(lengths)
""",
    },
    "task-2": {
        "lists-that-grow-in-front": """
def error_terms(Z, W, slopes, D_last, shortcuts=()):
    D = [D_last]
    G = D_last @ W[-1]
    for l in reversed(range(1, len(W) - 1)):
        delta = slopes[l](Z[l]) * G
        D.insert(0, delta)
        if l in shortcuts:
            G = G + delta @ W[l]
        else:
            G = delta @ W[l]
    return [None, *D]
""",
        "recursive": """
def error_terms(Z, W, slopes, D_last, shortcuts=()):
    L = len(W) - 1

    def by_output(l):
        D_next = D_last if l + 1 == L else by_output(l + 1) * slopes[l + 1](Z[l + 1])
        way = torch.einsum("nj,jk->nk", D_next, W[l + 1])
        return way + by_output(l + 1) if l + 1 in set(shortcuts) else way

    return [None] + [by_output(l) * slopes[l](Z[l]) for l in range(1, L)] + [D_last]
""",
    },
    "task-3": {
        "methods": CROSS_ENTROPY_ERROR + SOFTMAX_ERROR,
        "row-by-row-with-the-matrix-of-derivatives": """
def own_softmax(z):
    e = torch.exp(z - z.max())
    return e / e.sum()


def cross_entropy_error(Z, Y, T=1.0):
    rows = []
    for z, y in zip(Z, Y):
        p = own_softmax(z / T)
        rows.append((y.sum() * p - y) / T)
    return torch.stack(rows)


def softmax_error(Z, G):
    rows = []
    for z, g in zip(Z, G):
        p = own_softmax(z)
        rows.append((torch.diag(p) - torch.outer(p, p)) @ g)
    return torch.stack(rows)
""",
    },
    "task-4": {
        "copies-of-all-layers": RELATIVE_DIFFERENCES + FIRST_FAULT,
        "one-helper-for-an-array": """
def central(loss, layers, array, h):
    found = []
    flat = array.reshape(-1)
    for i, old in enumerate(flat.tolist()):
        flat[i] = old + h
        up = loss(layers)
        flat[i] = old - h
        down = loss(layers)
        flat[i] = old
        found.append(float(up - down) / (2 * h))
    return torch.tensor(found)


def relative_differences(loss, layers, gradients, h=1e-5):
    numbers = []
    for layer, given in zip(layers, gradients):
        ds = [central(loss, layers, p, h) for p in layer]
        gs = [g.reshape(-1) for g in given]
        sizes = [torch.maximum(g.norm(), d.norm()) for g, d in zip(gs, ds)]
        gaps = [torch.dist(g, d) for g, d in zip(gs, ds)]
        numbers.append([0.0 if s < 1e-8 else (x / s).item() for s, x in zip(sizes, gaps)])
    return numbers


def first_fault(differences, tolerance=1e-4):
    names = {(True, True): "error term", (True, False): "weights", (False, True): "biases"}
    found = None
    for l, (weights, biases) in enumerate(differences, 1):
        name = names.get((weights > tolerance, biases > tolerance))
        found = (name, l) if name else found
    return found
""",
    },
    "task-5": {
        "two-lists": TRAIN,
        "copies-changed-in-place": """
def train(X, Y, layers, functions, rate, steps):
    layers = [[W.clone(), b.clone()] for W, b in layers]
    losses = []
    for _ in range(steps):
        tape, a = [], X
        for (W, b), (f, slope) in zip(layers, functions):
            z = a @ W.T + b
            tape.append((a, slope(z)))
            a = f(z)
        losses.append((0.5 * (a - Y).pow(2).sum(1)).mean().item())
        blame, todo = (a - Y) / len(X), []
        for (W, b), (a_in, slopes) in zip(layers[::-1], tape[::-1]):
            D = blame * slopes
            blame = D @ W
            todo += [(W, D.T @ a_in), (b, D.sum(0, keepdim=True))]
        for parameter, gradient in todo:
            parameter -= rate * gradient
    return [tuple(layer) for layer in layers], losses
""",
    },
    "task-6": {
        "old-weights-kept": CLASSIFIER,
        "mean-in-the-error-term": """
def train_classifier(X, Y, layers, rate, steps):
    parameters = [[W.clone(), b.clone()] for W, b in layers]
    for _ in range(steps):
        A, Z = probabilities(X, parameters)
        D = (A[-1] - Y) / len(X)
        gradients = []
        for l in range(len(parameters), 0, -1):
            gradients = [(D.T @ A[l - 1], D.sum(0, keepdim=True))] + gradients
            if l > 1:
                D = D @ parameters[l - 1][0] * (A[l - 1] * (1 - A[l - 1]))
        for (W, b), (by_W, by_b) in zip(parameters, gradients):
            W -= rate * by_W
            b -= rate * by_b
    return [tuple(pair) for pair in parameters]
""",
    },
    "task-7": {
        "typed-numbers": TYPED,
        "measured-step-by-step": """
solved, lower, differences, cosine_end, cosine_start = {}, {}, {}, {}, {}
for fault in FAULTS:
    begin, end = xor_start(), train_xor(fault)
    loss_begin, _, G = xor_gradients(begin, fault)
    loss_end, outputs, G_end = xor_gradients(end, fault)
    solved[fault] = ((outputs > 0.5) == (Y_xor == 1)).all(dim=2).all(dim=1).sum()
    lower[fault] = (loss_end < loss_begin).sum()
    e = xor_gradients(begin, "none")[2][0][0]
    g = G[0][0]
    ratio = torch.linalg.matrix_norm(g - e) / torch.linalg.matrix_norm(e)
    differences[fault] = ratio.median()
    for where, weights, mine in ((cosine_start, begin, g), (cosine_end, end, G_end[0][0])):
        other = xor_gradients(weights, "none")[2][0][0]
        dot = (mine * other).sum(dim=(1, 2))
        where[fault] = (dot / (mine.norm(dim=(1, 2)) * other.norm(dim=(1, 2)))).median()
print(solved, lower, differences, cosine_start, cosine_end)
statements = dict(last=True, falls=True, order=False, cosine=False, random=True, align=True)
""",
    },
}

WRONG = {
    "task-1": {
        "sum-instead-of-mean": """
def layer_gradients(A_in, D):
    return D.T @ A_in, D.sum(0, keepdim=True)
"""
        + PULLS,
        "bias-without-a-row": """
def layer_gradients(A_in, D):
    return D.T @ A_in / len(D), D.mean(0)
"""
        + PULLS,
        "transposed": """
def layer_gradients(A_in, D):
    return A_in.T @ D / len(D), D.mean(0, keepdim=True)
"""
        + PULLS,
        "pull-without-biases": LAYER_GRADIENTS
        + """
def pulls(A_in, D):
    return D.norm(dim=1) * A_in.norm(dim=1)
""",
        "pull-adds-the-lengths": LAYER_GRADIENTS
        + """
def pulls(A_in, D):
    return D.norm(dim=1) * A_in.norm(dim=1) + D.norm(dim=1)
""",
        "examples-by-heart": """
def layer_gradients(A_in, D):
    return torch.tensor([[0.5, 1], [0, 0], [-0.5, -1]]), torch.tensor([[1.5, 0, -0.5]])


def pulls(A_in, D):
    return torch.tensor([12**0.5, 2.0])
""",
    },
    "task-2": {
        "shortcuts-ignored": """
def error_terms(Z, W, slopes, D_last, shortcuts=()):
    D = [D_last]
    for l in range(len(W) - 2, 0, -1):
        D.insert(0, D[0] @ W[l + 1] * slopes[l](Z[l]))
    return [None, *D]
""",
        "shortcut-adds-the-error-term": """
def error_terms(Z, W, slopes, D_last, shortcuts=()):
    D = [D_last]
    for l in range(len(W) - 2, 0, -1):
        G = D[0] @ W[l + 1]
        if l + 1 in shortcuts:
            G = G + D[0]
        D.insert(0, G * slopes[l](Z[l]))
    return [None, *D]
""",
        "shortcut-one-layer-too-early": """
def error_terms(Z, W, slopes, D_last, shortcuts=()):
    D, G = [D_last], D_last @ W[-1]
    for l in range(len(W) - 2, 0, -1):
        D.insert(0, G * slopes[l](Z[l]))
        G = D[0] @ W[l] + (G if l + 1 in shortcuts else 0)
    return [None, *D]
""",
        "factor-twice": """
def error_terms(Z, W, slopes, D_last, shortcuts=()):
    D, G = [D_last], D_last @ W[-1] ** 2
    for l in range(len(W) - 2, 0, -1):
        D.insert(0, G * slopes[l](Z[l]) ** 2)
        G = D[0] @ W[l] ** 2 + (G if l in shortcuts else 0)
    return [None, *D]
""",
        "weights-transposed": """
def error_terms(Z, W, slopes, D_last, shortcuts=()):
    D, G = [D_last], D_last @ W[-1].T
    for l in range(len(W) - 2, 0, -1):
        D.insert(0, G * slopes[l](Z[l]))
        G = D[0] @ W[l].T + (G if l in shortcuts else 0)
    return [None, *D]
""",
        "slope-of-the-next-layer": """
def error_terms(Z, W, slopes, D_last, shortcuts=()):
    D, G = [D_last], D_last @ W[-1]
    for l in range(len(W) - 2, 0, -1):
        D.insert(0, G * slopes[l + 1](Z[l]))
        G = D[0] @ W[l] + (G if l in shortcuts else 0)
    return [None, *D]
""",
    },
    "task-3": {
        "sum-of-the-targets-taken-as-one": """
def cross_entropy_error(Z, Y, T=1.0):
    return ((Z / T).softmax(dim=1) - Y) / T
"""
        + SOFTMAX_ERROR,
        "temperature-forgotten-outside": """
def cross_entropy_error(Z, Y, T=1.0):
    return (Z / T).softmax(dim=1) * Y.sum(dim=1, keepdim=True) - Y
"""
        + SOFTMAX_ERROR,
        "overflow": """
def cross_entropy_error(Z, Y, T=1.0):
    e = torch.exp(Z / T)
    return (e / e.sum(dim=1, keepdim=True) * Y.sum(dim=1, keepdim=True) - Y) / T
"""
        + SOFTMAX_ERROR,
        "slope-as-for-a-sigmoid": CROSS_ENTROPY_ERROR
        + """
def softmax_error(Z, G):
    P = Z.softmax(dim=1)
    return G * P * (1 - P)
""",
        "mean-over-the-batch": CROSS_ENTROPY_ERROR
        + """
def softmax_error(Z, G):
    P = Z.softmax(dim=1)
    return P * (G - (P * G).sum(dim=1, keepdim=True)) / len(Z)
""",
        "autograd": """
def cross_entropy_error(Z, Y, T=1.0):
    Z = Z.clone().requires_grad_()
    (-(Y * (Z / T).log_softmax(dim=1)).sum()).backward()
    return Z.grad


def softmax_error(Z, G):
    Z = Z.clone().requires_grad_()
    return torch.autograd.grad(Z.softmax(dim=1), Z, G)[0]
""",
    },
    "task-4": {
        "one-sided": changed(changed(RELATIVE_DIFFERENCES, ("(1, -1)", "(1, 0)")), ("(2 * h)", "h"))
        + FIRST_FAULT,
        "restored-with-rounding": """
def relative_differences(loss, layers, gradients, h=1e-5):
    result = []
    for layer, given in zip(layers, gradients):
        pair = []
        for p, g in zip(layer, given):
            d = torch.zeros_like(p)
            for i in range(p.numel()):
                p.view(-1)[i] += h
                up = float(loss(layers))
                p.view(-1)[i] -= 2 * h
                down = float(loss(layers))
                p.view(-1)[i] += h
                d.view(-1)[i] = (up - down) / (2 * h)
            size = max(g.norm(), d.norm())
            pair.append(0.0 if size < 1e-8 else float((g - d).norm() / size))
        result.append(tuple(pair))
    return result
"""
        + FIRST_FAULT,
        "zero-by-zero": changed(RELATIVE_DIFFERENCES, (" if longest >= 1e-8 else 0.0", ""))
        + FIRST_FAULT,
        "absolute-differences": changed(
            RELATIVE_DIFFERENCES, (" / longest if longest >= 1e-8 else 0.0", "")
        )
        + FIRST_FAULT,
        "begins-at-the-first-layer": RELATIVE_DIFFERENCES
        + changed(
            FIRST_FAULT,
            ("reversed(range(1, len(differences) + 1))", "range(1, len(differences) + 1)"),
        ),
        "layers-count-from-zero": RELATIVE_DIFFERENCES + FIRST_FAULT.replace('", l', '", l - 1'),
        "examples-by-heart": """
def relative_differences(loss, layers, gradients, h=1e-5):
    return [(0.0, 0.5)]


def first_fault(differences, tolerance=1e-4):
    if len(differences) == 2:
        return "weights", 2
    return ("biases", 1) if differences[0][1] == 0.5 else None
""",
    },
    "task-5": {
        "updated-on-the-way-back": """
def train(X, Y, layers, functions, rate, steps):
    layers, losses = list(layers), []
    for _ in range(steps):
        A, Z = [X], []
        for (W, b), (f, _) in zip(layers, functions):
            Z.append(A[-1] @ W.T + b)
            A.append(f(Z[-1]))
        losses.append(float(0.5 * ((A[-1] - Y) ** 2).sum(1).mean()))
        G = A[-1] - Y
        for l in reversed(range(len(layers))):
            W, b = layers[l]
            D = G * functions[l][1](Z[l])
            layers[l] = (W - rate * D.T @ A[l] / len(X), b - rate * D.mean(0, keepdim=True))
            G = D @ layers[l][0]
    return layers, losses
""",
        "mean-over-all-entries": changed(
            changed(TRAIN, ("/ (2 * len(X))", "/ (2 * Y.numel())")),
            ("D = (a - Y) *", "D = (a - Y) / Y.shape[1] *"),
        ),
        "slope-at-a": changed(
            changed(TRAIN, ("[-1][1](sums[-1])", "[-1][1](outputs[-1])")),
            ("[1](sums[l - 1])", "[1](outputs[l])"),
        ),
        "slope-of-the-output-forgotten": changed(TRAIN, (" * functions[-1][1](sums[-1])", "")),
        "arguments-changed-in-place": """
def train(X, Y, layers, functions, rate, steps):
    losses = []
    for _ in range(steps):
        A, Z = [X], []
        for (W, b), (f, _) in zip(layers, functions):
            Z.append(A[-1] @ W.T + b)
            A.append(f(Z[-1]))
        losses.append(float(0.5 * ((A[-1] - Y) ** 2).sum(1).mean()))
        G, todo = A[-1] - Y, []
        for l in reversed(range(len(layers))):
            D = G * functions[l][1](Z[l])
            todo += [(layers[l][0], D.T @ A[l]), (layers[l][1], D.sum(0, keepdim=True))]
            G = D @ layers[l][0]
        for p, g in todo:
            p += -rate * g / len(X)
    return layers, losses
""",
        "autograd": """
def train(X, Y, layers, functions, rate, steps):
    layers, losses = [tuple(p.clone() for p in pair) for pair in layers], []
    for _ in range(steps):
        leaves = [tuple(p.detach().requires_grad_() for p in pair) for pair in layers]
        a = X
        for (W, b), (f, _) in zip(leaves, functions):
            a = f(a @ W.T + b)
        loss = 0.5 * ((a - Y) ** 2).sum(1).mean()
        loss.backward()
        losses.append(loss.item())
        layers = [tuple((p - rate * p.grad).detach() for p in pair) for pair in leaves]
    return layers, losses
""",
        "example-by-heart": """
def train(X, Y, layers, functions, rate, steps):
    return [(torch.tensor([[0.75]]), torch.tensor([[-0.15]]))], [1.25]
""",
    },
    "task-6": {
        "untouched": """
train_classifier = train_with_bugs
""",
        "only-the-slope-mended": changed(
            changed(CLASSIFIER, ("D = D @ W *", "D = D @ new_W *")),
            ("D.mean(dim=0,", "D.sum(dim=0,"),
        ),
        "slope-at-a-left": changed(
            CLASSIFIER, ("sigmoid_slope(Z[l - 1])", "sigmoid_slope(A[l - 1])")
        ),
        "updated-too-early-left": changed(CLASSIFIER, ("D = D @ W *", "D = D @ new_W *")),
        "sum-for-the-biases-left": changed(CLASSIFIER, ("D.mean(dim=0,", "D.sum(dim=0,")),
        "mended-with-a-slope-at-the-output": changed(
            CLASSIFIER, ("D = A[-1] - Y", "D = (A[-1] - Y) * sigmoid_slope(Z[-1])")
        ),
        "given-list-changed": changed(CLASSIFIER, ("    layers = list(layers)\n", "")),
    },
    "task-7": {
        "guessed-that-wrong-gradients-fail": """
solved = {"none": 100, "no slope": 0, "slope of a": 0, "random": 0, "opposite": 0}
lower = {"none": 100, "no slope": 0, "slope of a": 0, "random": 0, "opposite": 0}
differences = {"none": 0, "no slope": 1, "slope of a": 1, "random": 1, "opposite": 2}
statements = dict(last=True, falls=False, order=True, cosine=True, random=False, align=False)
""",
        "last-layer-blamed": changed(TYPED, ('"last": True', '"last": False')),
        "small-difference-harmless": changed(
            changed(TYPED, ('"order": False', '"order": True')),
            ('"cosine": False', '"cosine": True'),
        ),
        "mean-instead-of-median": TYPED
        + """
e = xor_gradients(xor_start(), "none")[2][0][0]
for fault in FAULTS:
    g = xor_gradients(xor_start(), fault)[2][0][0]
    differences[fault] = ((g - e).norm(dim=(1, 2)) / e.norm(dim=(1, 2))).mean()
""",
        "all-networks-as-one-vector": TYPED
        + """
e = xor_gradients(xor_start(), "none")[2][0][0]
for fault in FAULTS:
    g = xor_gradients(xor_start(), fault)[2][0][0]
    differences[fault] = (g - e).norm() / e.norm()
""",
        "outputs-counted-instead-of-networks": TYPED
        + """
for fault in FAULTS:
    outputs = xor_gradients(xor_start(), fault)[1]
    solved[fault] = ((outputs - Y_xor).abs() < 0.5).float().mean() * 100
""",
    },
}
