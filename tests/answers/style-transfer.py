"""Answers to the assignment on style transfer: correct ones, and wrong ones by misconception."""

from classroom import changed

# Full answers to be changed; those in the dictionaries are in other styles.
CONTENT = """
def content(Z, P, q=None):
    c, h, w = Z.shape[1:]
    if tuple(P.shape[1:]) != (c, h, w):
        raise ValueError("other maps")
    if q is None:
        q = torch.ones(h, w, dtype=Z.dtype)
    if q.shape != (h, w):
        raise ValueError("q has another shape")
    D = Z - P
    all_places = q.sum()
    loss = (q * D * D).flatten(1).sum(dim=1) / (c * all_places)
    return loss, 2 / (c * all_places) * q * D
"""

GRAM = """
def gram(Z):
    c, M = Z.shape[1], Z.shape[2] * Z.shape[3]
    return torch.einsum("nkhw,nlhw->nkl", Z, Z) / (c * M)
"""

STYLE = """

def style(maps, targets, shares=None):
    if shares is None:
        shares = [1.0 for _ in maps]
    if not len(maps) == len(targets) == len(shares):
        raise ValueError("lists of different lengths")
    loss, gradients, total = 0.0, [], sum(shares)
    for Z, A, share in zip(maps, targets, shares):
        c, M = Z.shape[1], Z.shape[2] * Z.shape[3]
        D = gram(Z) - A
        loss = loss + share / total * (D * D).mean(dim=(1, 2))
        pull = torch.einsum("nkl,nlhw->nkhw", D, Z)
        gradients.append(share / total * 4 / (c**3 * M) * pull)
    return loss, gradients
"""

VARIATION = """
def variation(x, p=1):
    if p != 1 and p != 2:
        raise ValueError(p)
    n, c, h, w = x.shape
    down, right = x[:, :, 1:] - x[:, :, :-1], x[..., 1:] - x[..., :-1]
    loss, gradient = torch.zeros(n, dtype=x.dtype), torch.zeros_like(x)
    if h > 1:
        count = c * (h - 1) * w
        loss += (down.abs() ** p).sum((1, 2, 3)) / (2 * count)
        slope = torch.sign(down) if p == 1 else 2 * down
        gradient[:, :, 1:] += slope / (2 * count)
        gradient[:, :, :-1] -= slope / (2 * count)
    if w > 1:
        count = c * h * (w - 1)
        loss += (right.abs() ** p).sum((1, 2, 3)) / (2 * count)
        slope = torch.sign(right) if p == 1 else 2 * right
        gradient[..., 1:] += slope / (2 * count)
        gradient[..., :-1] -= slope / (2 * count)
    return loss, gradient
"""

JOIN = """
def join(grams, places):
    total = torch.zeros_like(grams[0])
    for G, M in zip(grams, places):
        total += M * G
    return total / sum(places)
"""

INVENT = """

def invent(G, h, w):
    c, M = G.shape[0], h * w
    if M < c:
        raise ValueError("too few places")
    U, s, _ = torch.linalg.svd(G)
    root = U @ torch.diag((c * M * s).sqrt())
    return F.pad(root, (0, M - c)).reshape(1, c, h, w)
"""

READER = """
def reader(layers, wanted):
    if any(i not in range(len(layers)) for i in wanted):
        raise ValueError("no such layer")
    own = copy.deepcopy(layers)[: max(wanted) + 1]
    own.eval()
    own.requires_grad_(False)
    for part in own.modules():
        if hasattr(part, "inplace"):
            part.inplace = False

    def look(x):
        maps = []
        for layer in own:
            x = layer(x)
            maps.append(x)
        return [maps[i] for i in wanted]

    return look
"""

PAINT = """
def paint(network, content, style, weights, steps, rate=0.05):
    network = copy.deepcopy(network).eval()
    for p in network.parameters():
        p.requires_grad = False

    def look(x):
        maps = [x]
        for layer in network:
            maps.append(layer(maps[-1]))
        return maps[1:]

    def matrices(maps):
        return [Z.flatten(2) @ Z.flatten(2).mT / Z[0].numel() for Z in maps]

    with torch.no_grad():
        P = look(content)
        targets = matrices(look(style))
    x = content.clone().requires_grad_()
    optimizer = torch.optim.Adam([x], lr=rate)
    weights, history = torch.tensor(weights, dtype=x.dtype), []
    for _ in range(steps):
        optimizer.zero_grad()
        maps = look(x)
        by_layer = [(G - A).square().mean() for G, A in zip(matrices(maps), targets)]
        tv = 0.5 * (x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean())
        losses = torch.stack(
            ((maps[-1] - P[-1]).square().mean(), torch.stack(by_layer).mean(), tv)
        )
        (weights * losses).sum().backward()
        optimizer.step()
        x.data = x.data.clamp(0, 1)
        history.append(losses.detach())
    return x.detach(), torch.stack(history)
"""

TRADED = """
traded = {10: (0.002627, 0.903), 100: (0.06105, 0.5271), 1000: (0.9157, 0.06409)}
"""

JUDGED = """
judged = [[0.06409, 0.3927, 0.3338], [0.3676, 0.07842, 0.3596], [0.4844, 0.2982, 0.05863]]
"""

STATEMENTS = """
statements = {
    "trade": True, "ratios": True, "shifted": True, "mirrored": False, "shuffled": False,
    "start": True, "maps": True, "others": True, "ranking": False,
}
"""

CORRECT = {
    "task-1": {
        "loops-over-pictures": """
def content(Z, P, q=None):
    if Z.shape[1:] != P.shape[1:] or (q is not None and q.shape != Z.shape[2:]):
        raise ValueError("shapes differ")
    q = torch.ones_like(Z[0, 0]) if q is None else q
    losses, gradients = [], []
    for j in range(len(Z)):
        d = Z[j] - P[j if len(P) > 1 else 0]
        share = q / q.sum() / len(d)
        losses.append((share * d.square()).sum())
        gradients.append(2 * share * d)
    return torch.stack(losses), torch.stack(gradients)
""",
        "two-cases": """
def content(Z, P, q=None):
    n, c, h, w = Z.shape
    if P.shape != (1, c, h, w) and P.shape != (n, c, h, w):
        raise ValueError(P.shape)
    if q is None:
        return (Z - P).square().mean((1, 2, 3)), 2 / (c * h * w) * (Z - P)
    if q.shape != (h, w):
        raise ValueError(q.shape)
    q = q[None, None].expand(1, c, h, w) / (c * q.sum())
    return torch.sum(q * (Z - P) ** 2, dim=(1, 2, 3)), 2 * q * (Z - P)
""",
    },
    "task-2": {
        "einsum": GRAM + STYLE,
        "chapters-way": """
def gram(Z):
    n, c, h, w = Z.shape
    Z = Z.reshape(n, c, h * w)
    return Z @ Z.transpose(1, 2) / (c * h * w)


def style(maps, targets, shares=None):
    shares = torch.ones(len(maps)) if shares is None else torch.tensor(shares)
    shares = shares.to(maps[0].dtype) / shares.sum().item()
    rows = list(zip(maps, targets, shares, strict=True))
    each = torch.stack([(gram(Z) - A).square().flatten(1).mean(1) for Z, A, _ in rows])
    gradients = []
    for Z, A, share in rows:
        c, M = Z.shape[1], Z[0, 0].numel()
        by_hand = 4 / (c**3 * M) * ((gram(Z) - A) @ Z.flatten(2)).view_as(Z)
        gradients.append(share * by_hand)
    return shares @ each, gradients
""",
    },
    "task-3": {
        "slices": VARIATION,
        "chapters-way-with-padding": """
def variation(x, p=1):
    if p not in [1, 2]:
        raise ValueError(f"p = {p}")
    up, left = torch.diff(x, dim=2), torch.diff(x, dim=3)
    loss, gradient = 0, 0
    for d, before, after in ((up, (0, 0, 1, 0), (0, 0, 0, 1)), (left, (1, 0), (0, 1))):
        pairs = max(d.numel() // len(x), 1)
        slope = p * d.sign() * d.abs() ** (p - 1)
        loss = loss + d.abs().pow(p).sum((1, 2, 3)) / (2 * pairs)
        gradient = gradient + (F.pad(slope, before) - F.pad(slope, after)) / (2 * pairs)
    return loss, gradient
""",
    },
    "task-4": {
        "svd": JOIN + INVENT,
        "places-repeated-by-an-orthogonal-matrix": """
def join(grams, places):
    shares = torch.tensor(places).to(grams[0].dtype)
    return torch.einsum("l,lij->ij", shares / shares.sum(), torch.stack(grams))


def invent(G, h, w):
    c = len(G)
    if c > h * w:
        raise ValueError((h, w))
    values, vectors = torch.linalg.eigh(G)
    root = vectors @ torch.diag(torch.relu(values).sqrt()) @ vectors.T
    torch.manual_seed(0)
    Q, _ = torch.linalg.qr(torch.randn(h * w, c, dtype=G.dtype))
    return ((c * h * w) ** 0.5 * root @ Q.T).view(1, c, h, w)
""",
    },
    "task-5": {
        "no-layer-in-place": READER,
        "class-with-functional-call": """
class Look:
    def __init__(self, layers, wanted):
        for i in wanted:
            if not 0 <= i < len(layers):
                raise ValueError(f"index {i}")
        self.wanted = list(wanted)
        self.layers = nn.ModuleList(copy.deepcopy(layers))[: max(wanted) + 1].eval()
        for p in self.layers.parameters():
            p.requires_grad = False

    def __call__(self, x):
        x, kept = x.clone(), {}
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.wanted:
                kept[i] = x.clone()
        return [kept[i] for i in self.wanted]


def reader(layers, wanted):
    return Look(layers, wanted)
""",
    },
    "task-6": {
        "data": PAINT,
        "one-by-one": """
def matrix(Z):
    Z = Z[0].flatten(1)
    return Z @ Z.T / Z.numel()


def paint(network, content, style, weights, steps, rate=0.05):
    frozen = copy.deepcopy(network).requires_grad_(False)
    frozen.eval()

    def look(x):
        return [frozen[: i + 1](x) for i in range(len(frozen))]

    P, targets = look(content)[-1], [matrix(Z) for Z in look(style)]
    x = nn.Parameter(content.detach().clone())
    optimizer, rows = torch.optim.Adam([x], lr=rate), []
    for _ in range(steps):
        maps = look(x)
        c = F.mse_loss(maps[-1], P)
        s = sum(F.mse_loss(matrix(Z), A) for Z, A in zip(maps, targets)) / len(maps)
        t = (x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()) / 2
        optimizer.zero_grad()
        (weights[0] * c + weights[1] * s + weights[2] * t).backward()
        optimizer.step()
        with torch.no_grad():
            x.copy_(x.clamp(0, 1))
        rows.append(torch.stack((c, s, t)).detach())
    return x.detach(), torch.stack(rows)
""",
    },
    "task-7": {
        "typed": TRADED + JUDGED + STATEMENTS,
        "computed-as-tensors": """
def share(x, seed):
    seen = filters(seed)
    return losses(x, seen)[1] / losses(photo, seen)[1]


traded = {}
for s in (10, 100, 1000):
    x = paint((1, s, 0.1))
    traded[s] = [losses(x, filters(0))[0], share(x, 0)]
judged = torch.tensor([[share(paint((1, 1000, 0.1), i), j) for j in range(3)] for i in range(3)])
"""
        + STATEMENTS,
    },
}

WRONG = {
    "task-1": {
        "mean-of-the-batch": changed(
            CONTENT, ("q * D\n", "q * D / len(Z)\n"), ("return loss,", "return loss.mean(),")
        ),
        "gradient-of-the-batch": changed(CONTENT, ("q * D\n", "q * D / len(Z)\n")),
        "papers-half": changed(CONTENT, ("loss = (", "loss = 0.5 * ("), ("2 / (c", "1 / (c")),
        "divided-by-all-places": changed(CONTENT, ("all_places = q.sum()", "all_places = h * w")),
        "broadcasts-what-does-not-fit": changed(
            CONTENT,
            ("if tuple(P.shape[1:]) != (c, h, w):", "if P.ndim != 4:"),
            ("if q.shape != (h, w):", "if q.ndim != 2:"),
        ),
    },
    "task-2": {
        "without-the-channels": changed(GRAM, ("/ (c * M)", "/ M")) + STYLE,
        "one-half-of-dG": GRAM + changed(STYLE, ("total * 4 /", "total * 2 /")),
        "channels-squared": GRAM + changed(STYLE, ("c**3", "c**2")),
        "shares-not-normalized": GRAM
        + changed(STYLE, ("total = 0.0, [], sum(shares)", "total = 0.0, [], 1")),
        "places-of-the-first-layer": GRAM
        + changed(
            STYLE,
            ("M = Z.shape[1], Z.shape[2] * Z.shape[3]", "M = Z.shape[1], maps[0][0, 0].numel()"),
        ),
    },
    "task-3": {
        "pixels-instead-of-pairs": changed(
            VARIATION, ("c * (h - 1) * w", "c * h * w"), ("c * h * (w - 1)", "c * h * w")
        ),
        "one-mean-of-all-pairs": changed(
            VARIATION,
            ("count = c * (h - 1) * w", "count = c * ((h - 1) * w + h * (w - 1)) / 2"),
            ("count = c * h * (w - 1)", "count = c * ((h - 1) * w + h * (w - 1)) / 2"),
        ),
        "opposite-pull": changed(
            VARIATION, ("] += slope", "] -= -slope"), ("] -= slope", "] += slope")
        ),
        "squared-without-the-two": changed(
            VARIATION, ("else 2 * down", "else down"), ("else 2 * right", "else right")
        ),
        "nothing-but-nan-in-one-row": changed(
            VARIATION, ("if h > 1:", "if True:"), ("if w > 1:", "if True:")
        ),
    },
    "task-4": {
        "mean-of-the-matrices": """
def join(grams, places):
    return torch.stack(grams).mean(dim=0)
"""
        + INVENT,
        "sum-of-the-matrices": changed(JOIN, ("return total / sum(places)", "return total"))
        + INVENT,
        "root-of-c-M-forgotten": JOIN + changed(INVENT, ("(c * M * s)", "s")),
        "cholesky": JOIN
        + """

def invent(G, h, w):
    c, M = G.shape[0], h * w
    if M < c:
        raise ValueError("too few places")
    return F.pad(torch.linalg.cholesky(c * M * G), (0, M - c)).reshape(1, c, h, w)
""",
    },
    "task-5": {
        "maps-written-over": changed(
            READER, ("            part.inplace = False", "            pass")
        ),
        "the-networks-own-layers": changed(
            READER, ("copy.deepcopy(layers)[: max(wanted) + 1]", "layers[: max(wanted) + 1]")
        ),
        "no-gradient-at-all": changed(
            READER, ("    def look(x):", "    @torch.no_grad()\n    def look(x):")
        ),
        "training-mode": changed(READER, ("    own.eval()\n", "")),
        "all-layers-run-in-any-order": changed(
            READER,
            ("copy.deepcopy(layers)[: max(wanted) + 1]", "copy.deepcopy(layers)"),
            ("for i in wanted]\n\n    return", "for i in sorted(wanted)]\n\n    return"),
        ),
    },
    "task-6": {
        "picture-lost-by-the-optimizer": changed(
            PAINT,
            ("x.data = x.data.clamp(0, 1)", "x = x.detach().clamp(0, 1).requires_grad_()"),
        ),
        "one-size-for-both": changed(
            PAINT,
            (
                "return [Z.flatten(2) @ Z.flatten(2).mT / Z[0].numel() for Z in maps]",
                "return [Z.flatten(2) @ Z.flatten(2).mT / p[0].numel() for Z, p in zip(maps, P)]",
            ),
        ),
        "weights-frozen-statistics-not": changed(
            PAINT, ("copy.deepcopy(network).eval()", "network")
        ),
        "evaluation-mode-for-ever": changed(
            PAINT, ("copy.deepcopy(network).eval()", "network.eval()")
        ),
        "clamped-once-at-the-end": changed(
            PAINT,
            ("        x.data = x.data.clamp(0, 1)\n", ""),
            ("return x.detach(),", "return x.detach().clamp(0, 1),"),
        ),
    },
    "task-7": {
        "losses-instead-of-shares": changed(TRADED, ("traded = {", "shares = {"))
        + "traded = {s: (c, share * 0.0048) for s, (c, share) in shares.items()}\n"
        + JUDGED
        + STATEMENTS,
        "painter-and-judge-exchanged": TRADED
        + changed(JUDGED, ("judged = ", "painters = "))
        + "judged = [list(row) for row in zip(*painters)]\n"
        + STATEMENTS,
        "mirroring-is-a-shift": TRADED
        + JUDGED
        + changed(STATEMENTS, ('"mirrored": False', '"mirrored": True')),
        "pixels-may-be-shuffled": TRADED
        + JUDGED
        + changed(STATEMENTS, ('"shuffled": False', '"shuffled": True')),
        "one-picture-is-best": TRADED
        + JUDGED
        + changed(STATEMENTS, ('"ranking": False', '"ranking": True')),
    },
}
