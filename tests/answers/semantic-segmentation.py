"""Answers to the assignment on transposed convolution and fully convolutional networks.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

from classroom import changed

BACK = """
def back(n, k, s, p):
    if n + 2 * p < k:
        raise ValueError("the window does not fit")
    m = (n + 2 * p - k) // s + 1
    return m, n - ((m - 1) * s + k - 2 * p)
"""

PATCHES = """

def patches(n, k, s, p):
    size = (n - 1) * s + k - 2 * p
    return [sum(0 <= i + p - s * j < k for j in range(n)) for i in range(size)]
"""

SPREAD = """
def spread(z, v, bias=None, stride=1, padding=0, output_padding=0):
    (n, c_i, h, w), (_, c_o, k_h, k_w) = z.shape, v.shape
    rows = (h - 1) * stride + k_h + output_padding
    columns = (w - 1) * stride + k_w + output_padding
    full = z.new_zeros(n, c_o, rows, columns)
    products = torch.einsum("ncij,cdab->nabdij", z, v)
    for a in range(k_h):
        for b in range(k_w):
            last = a + (h - 1) * stride + 1, b + (w - 1) * stride + 1
            full[:, :, a : last[0] : stride, b : last[1] : stride] += products[:, a, b]
    if bias is not None:
        full = full + bias.view(1, -1, 1, 1)
    return full[:, :, padding : rows - padding, padding : columns - padding]
"""

ZEROS = """

def zeros_between(z, v, stride=1, padding=0):
    (n, c, h, w), (k_h, k_w) = z.shape, v.shape[-2:]
    top, left = k_h - 1 - padding, k_w - 1 - padding
    rows, columns = (h - 1) * stride + 1, (w - 1) * stride + 1
    wide = z.new_zeros(n, c, rows + 2 * top, columns + 2 * left)
    wide[:, :, top : top + rows : stride, left : left + columns : stride] = z
    return wide, v.permute(1, 0, 2, 3).flip([-2, -1])
"""

MATRIX = """
def matrix(v, h, w, stride=1, padding=0):
    c_o, c_i, k_h, k_w = v.shape
    h_o, w_o = (h + 2 * padding - k_h) // stride + 1, (w + 2 * padding - k_w) // stride + 1
    W = torch.zeros(c_o * h_o * w_o, c_i * h * w, dtype=v.dtype)
    for i in range(h_o):
        for j in range(w_o):
            for a in range(k_h):
                for b in range(k_w):
                    y, x = i * stride + a - padding, j * stride + b - padding
                    if 0 <= y < h and 0 <= x < w:
                        W[i * w_o + j :: h_o * w_o, y * w + x :: h * w] = v[:, :, a, b]
    return W
"""

BACKWARD = """

def backward(z, v, delta, stride=1, padding=0):
    dz = F.conv2d(delta, v, None, stride, padding)
    h, w = z.shape[2:]
    padded = F.pad(delta, [padding] * 4)
    dv = torch.zeros_like(v)
    for a in range(v.shape[2]):
        for b in range(v.shape[3]):
            seen = padded[:, :, a::stride, b::stride][:, :, :h, :w]
            dv[:, :, a, b] = torch.einsum("ncij,ndij->cd", z, seen)
    return dz, dv
"""

SEGMENTER = """
class Segmenter(nn.Module):
    def __init__(self, classifier, s):
        super().__init__()
        self.s = s
        self.body = copy.deepcopy(classifier[:-3])
        dense = classifier[-1]
        classes, channels = dense.weight.shape
        self.score = nn.Conv2d(channels, classes, kernel_size=1)
        self.score.weight.data = dense.weight.detach().clone().view(classes, channels, 1, 1)
        self.score.bias.data = dense.bias.detach().clone()
        self.up = nn.ConvTranspose2d(classes, classes, 2 * s, s, padding=s + s // 2, bias=False)
        half = (torch.arange(s) + 0.5) / s
        tent = torch.cat([half, half.flip(0)])
        self.up.weight.data = torch.zeros(classes, classes, 2 * s, 2 * s)
        for i in range(classes):
            self.up.weight.data[i, i] = torch.outer(tent, tent)

    def scores(self, x):
        bottom, right = (self.s - side % self.s for side in x.shape[-2:])
        x = F.pad(x, (0, right % self.s, 0, bottom % self.s))
        return self.score(self.body(x))

    def forward(self, x):
        cells = F.pad(self.scores(x), (1, 1, 1, 1), mode="replicate")
        return self.up(cells)[:, :, : x.shape[2], : x.shape[3]]
"""

TALLY = """
class Tally:
    def __init__(self, classes):
        self.classes = classes
        self.counts = torch.zeros((classes, classes), dtype=torch.long)

    def update(self, answer, truth):
        for i in range(self.classes):
            for j in range(self.classes):
                self.counts[i, j] += ((truth == i) & (answer == j)).sum()

    def iou(self):
        found = []
        for i in range(self.classes):
            union = self.counts[i].sum() + self.counts[:, i].sum() - self.counts[i, i]
            found.append(float(self.counts[i, i] / union) if union else float("nan"))
        return torch.tensor(found)

    def mean_iou(self):
        values = self.iou()
        return float(values[~torch.isnan(values)].mean())
"""

CHEAPEST = """

def cheapest(scores, cost):
    chance = torch.softmax(scores, dim=1).movedim(1, -1)
    return torch.argmin(chance @ cost, dim=-1)
"""

LOAD = """
def load(images, maps, side, mirror):
    x = (images.float() / 255 - 0.5) / 0.25
    x = F.interpolate(x, size=(side, side), mode="bilinear")
    y = F.interpolate(maps[:, None].double(), size=(side, side), mode="nearest-exact")
    y = y[:, 0].long()
    if mirror:
        x = x.flip(-1)
        y = y.flip(-1)
    return x, y
"""

LOSS = """

def pixel_loss(scores, y):
    flat = scores.movedim(1, -1).reshape(-1, scores.shape[1])
    return F.cross_entropy(flat, y.flatten(), ignore_index=255)
"""

JUDGE = """

def judge(net, x, y, classes, size):
    net.eval()
    table = torch.zeros(classes * classes)
    with torch.no_grad():
        for part, truth in zip(x.split(size), y.split(size)):
            answer = net(part).argmax(dim=1)
            kept = truth < classes
            table += (truth[kept] * classes + answer[kept]).bincount(minlength=classes**2)
    table = table.view(classes, classes)
    both = table.diagonal()
    union = table.sum(0) + table.sum(1) - both
    return (both[union > 0] / union[union > 0]).mean().item()
"""

ORACLE = """
oracle = {
    16: (0.8387, 0.2237), 8: (0.8763, 0.4062), 4: (0.9201, 0.5749), 2: (0.9583, 0.7537),
    32: (0.8382, 0.2095),
}
"""

NETWORKS = """
networks = {
    "nearest": (0.8607, 0.4203), "bilinear": (0.8746, 0.4656), "learned": (0.8838, 0.5191),
    "random": (0.8413, 0.3947), "skip": (0.9298, 0.6731),
}
"""

STATEMENTS = """
statements = {
    "blind": True, "halves": True, "vanish": True, "hopeless": False, "finer": True,
    "bounded": False, "start": True, "frozen": False, "ceiling": False,
}
"""

CORRECT = {
    "task-1": {
        "sizes-by-the-formula": BACK + PATCHES,
        "starts-of-the-windows": """
def back(n, k, s, p):
    starts = range(0, n + 2 * p - k + 1, s)
    if len(starts) == 0:
        raise ValueError("no window fits")
    return len(starts), n + 2 * p - k - starts[-1]


def patches(n, k, s, p):
    full = {i: 0 for i in range((n - 1) * s + k)}
    for j in range(n):
        for a in range(k):
            full[s * j + a] += 1
    return list(full.values())[p : len(full) - p]
""",
    },
    "task-2": {
        "one-weight-after-the-other": SPREAD + ZEROS,
        "chapters-function": """
def plane(z, v, stride, padding, extra):
    (h, w), (k_h, k_w) = z.shape, v.shape
    x = torch.zeros((h - 1) * stride + k_h + extra, (w - 1) * stride + k_w + extra, dtype=z.dtype)
    for i in range(h):
        for j in range(w):
            top, left = i * stride, j * stride
            x[top : top + k_h, left : left + k_w] += z[i, j] * v
    return x[padding : x.shape[0] - padding, padding : x.shape[1] - padding]


def spread(z, v, bias=None, stride=1, padding=0, output_padding=0):
    rest = stride, padding, output_padding
    result = torch.stack([
        torch.stack([
            sum(plane(one[i], v[i, o], *rest) for i in range(len(v))) for o in range(v.shape[1])
        ])
        for one in z
    ])
    return result if bias is None else result + bias.reshape(-1, 1, 1)


def zeros_between(z, v, stride=1, padding=0):
    n, c, h, w = z.shape
    spaced = torch.zeros(n, c, h, stride, w, stride, dtype=z.dtype)
    spaced[:, :, :, 0, :, 0] = z
    spaced = spaced.view(n, c, h * stride, w * stride)
    rest = 1 - stride
    k_h, k_w = v.shape[2:]
    top, left = k_h - 1 - padding, k_w - 1 - padding
    wide = F.pad(spaced, (left, left + rest, top, top + rest))
    return wide, torch.flip(v, (2, 3)).swapaxes(0, 1)
""",
    },
    "task-3": {
        "row-by-row": MATRIX + BACKWARD,
        "products-with-the-matrix": MATRIX
        + """

def backward(z, v, delta, stride=1, padding=0):
    h, w = delta.shape[2:]
    W = matrix(v, h, w, stride, padding)  # of the convolution that v belongs to
    dz = (delta.flatten(1) @ W.T).view(z.shape)
    dv = torch.nn.grad.conv2d_weight(delta, v.shape, z, stride=stride, padding=padding)
    return dz, dv
""",
    },
    "task-4": {
        "padding-in-the-layer": SEGMENTER,
        "whole-copy-and-chapters-weights": """
def bilinear_weights(channels, s):
    k = 2 * s - s % 2
    tent = 1 - (torch.arange(k) - (k - 1) / 2).abs() / s
    weight = torch.zeros(channels, channels, k, k)
    weight[range(channels), range(channels)] = tent[:, None] * tent
    return weight


def upsampler(channels, s):
    layer = nn.ConvTranspose2d(channels, channels, 2 * s - s % 2, s, s // 2, bias=False)
    layer.weight.data.copy_(bilinear_weights(channels, s))
    return layer


class Segmenter(nn.Module):
    def __init__(self, classifier, s):
        super().__init__()
        twin = copy.deepcopy(classifier)
        self.step = s
        self.body = nn.Sequential(*list(twin.children())[:-3])
        self.score = nn.Conv2d(twin[-1].in_features, twin[-1].out_features, 1)
        self.score.weight = nn.Parameter(twin[-1].weight.data[..., None, None])
        self.score.bias = twin[-1].bias
        self.up = upsampler(twin[-1].out_features, s)

    def scores(self, x):
        n, c, h, w = x.shape
        s = self.step
        wide = torch.zeros(n, c, (h + s - 1) // s * s, (w + s - 1) // s * s)
        wide[:, :, :h, :w] = x
        return self.score(self.body(wide))

    def forward(self, x):
        repeated = nn.ReplicationPad2d(1)(self.scores(x))
        s = self.step
        return self.up(repeated)[:, :, s:-s, s:-s][:, :, : x.size(2), : x.size(3)]
""",
    },
    "task-5": {
        "loops-over-classes": TALLY + CHEAPEST,
        "chapters-functions": """
def confusion(answer, truth, classes):
    pairs = truth.flatten() * classes + answer.flatten()
    return pairs.bincount(minlength=classes**2).view(classes, classes)


class Tally:
    def __init__(self, classes):
        self.counts = torch.zeros(classes, classes).long()

    def update(self, answer, truth):
        known = truth != 255
        self.counts = self.counts + confusion(answer[known], truth[known], len(self.counts))

    def iou(self):
        both = self.counts.diag()
        return both / (self.counts.sum(0) + self.counts.sum(1) - both)

    def mean_iou(self):
        return float(self.iou().nanmean())


def cheapest(scores, cost):
    p = scores.softmax(1)
    prices = [sum(p[:, i] * cost[i, j] for i in range(len(cost))) for j in range(cost.shape[1])]
    return torch.stack(prices).min(dim=0).indices
""",
    },
    "task-6": {
        "all-pixels-as-rows": LOAD + LOSS + JUDGE,
        "rows-and-columns-by-index": """
def load(images, maps, side, mirror):
    x = (images.float() / 255 - 0.5) / 0.25
    x = F.interpolate(x, size=(side, side), mode="bilinear")
    rows = torch.arange(side) * maps.shape[1] // side
    columns = torch.arange(side) * maps.shape[2] // side
    y = maps[:, rows[:, None], columns]
    return (x.flip(3), y.flip(2)) if mirror else (x, y)


def pixel_loss(scores, y):
    logs = scores.log_softmax(dim=1)
    kept = y != 255
    picked = logs.gather(1, torch.where(kept, y, 0)[:, None])[:, 0]
    return -picked[kept].mean()


@torch.no_grad()
def judge(net, x, y, classes, size):
    net.eval()
    answers = torch.cat([net(part).argmax(1) for part in x.split(size)])
    values = []
    for i in range(classes):
        a, t = (answers == i) & (y != 255), y == i
        if (a | t).any():
            values.append((a & t).sum() / (a | t).sum())
    return torch.stack(values).mean().item()
""",
    },
    "task-7": {
        "typed": ORACLE + NETWORKS + STATEMENTS,
        "chapters-functions": """
def iou(counts):
    both = counts.diag()
    return both / (counts.sum(0) + counts.sum(1) - both)


def both(counts):
    return [counts.diag().sum() / counts.sum(), iou(counts).mean()]


def cells(truth, side, classes=4):
    shares = F.avg_pool2d(F.one_hot(truth, classes).movedim(3, 1).float(), side)
    best = shares.argmax(1)[:, None].float()
    return F.interpolate(best, scale_factor=side)[:, 0].long()


oracle = {side: both(confusion(cells(maps_new, side), maps_new)) for side in (16, 8, 4, 2)}
oracle[32] = both(confusion(0 * maps_new, maps_new))
networks = {}
for way in WAYS:
    tables = [race(way, seed) for seed in (0, 1)]
    networks[way] = torch.tensor([both(table) for table in tables]).mean(dim=0).tolist()
"""
        + STATEMENTS,
    },
}

WRONG = {
    "task-1": {
        "as-many-as-the-stride-lacks": changed(
            BACK,
            ("n - ((m - 1) * s + k - 2 * p)", "(s - (n + 2 * p - k) % s) % s"),
        )
        + PATCHES,
        "padding-adds": BACK + changed(PATCHES, ("- 2 * p", "+ 2 * p"), ("i + p", "i - p")),
        "no-error": changed(
            BACK,
            ('    if n + 2 * p < k:\n        raise ValueError("the window does not fit")\n', ""),
        )
        + PATCHES,
        "every-number-is-reached": BACK
        + changed(PATCHES, ("return [sum(", "return [max(1, sum("), ("n)) for", "n))) for")),
    },
    "task-2": {
        "weights-in-the-order-of-a-convolution": changed(
            SPREAD, ("(_, c_o, k_h, k_w)", "(c_o, _, k_h, k_w)"), ('"ncij,cdab', '"ncij,dcab')
        )
        + ZEROS,
        "output-padding-after-the-cut": changed(
            SPREAD,
            ("k_h + output_padding", "k_h"),
            ("k_w + output_padding", "k_w"),
            (
                "return full[:, :, padding : rows - padding, padding : columns - padding]",
                "full = full[:, :, padding : rows - padding, padding : columns - padding]\n"
                "    return F.pad(full, (0, output_padding, 0, output_padding))",
            ),
        )
        + ZEROS,
        "kernel-not-turned": SPREAD + changed(ZEROS, (".flip([-2, -1])", "")),
        "ready-made": """
def spread(z, v, bias=None, stride=1, padding=0, output_padding=0):
    return F.conv_transpose2d(z, v, bias, stride, padding, output_padding)
"""
        + ZEROS,
    },
    "task-3": {
        "padding-forgotten": changed(MATRIX, ("0 <= y < h and 0 <= x < w", "y < h and x < w"))
        + BACKWARD,
        "kernel-turned-once-more": MATRIX
        + changed(
            BACKWARD,
            (
                "dz = F.conv2d(delta, v, None, stride, padding)",
                "dz = F.conv2d(delta, v.flip(2, 3), None, stride, padding)",
            ),
        ),
        "first-picture-only": MATRIX
        + changed(BACKWARD, ('"ncij,ndij->cd", z, seen', '"cij,dij->cd", z[0], seen[0]')),
        "autograd": MATRIX
        + """

def backward(z, v, delta, stride=1, padding=0):
    z, v = z.detach().requires_grad_(), v.detach().requires_grad_()
    x = F.conv_transpose2d(z, v, None, stride, padding)
    return torch.autograd.grad(x, (z, v), delta)
""",
    },
    "task-4": {
        "fresh-scores": changed(
            SEGMENTER,
            (
                "self.score.weight.data = dense.weight.detach().clone().view(classes, channels, 1, "
                "1)\n",
                "nn.init.kaiming_normal_(self.score.weight)\n",
            ),
        ),
        "shared-with-the-classifier": changed(SEGMENTER, (".detach().clone()", ".data")),
        "border-not-repeated": changed(
            SEGMENTER,
            ("padding=s + s // 2", "padding=s // 2"),
            ('F.pad(self.scores(x), (1, 1, 1, 1), mode="replicate")', "self.scores(x)"),
        ),
        "a-whole-cell-where-none-is-missing": changed(
            SEGMENTER, ("right % self.s, 0, bottom % self.s", "right, 0, bottom")
        ),
        "padded-on-both-sides": changed(
            SEGMENTER,
            (
                "x = F.pad(x, (0, right % self.s, 0, bottom % self.s))",
                "b, r = bottom % self.s, right % self.s\n"
                "        x = F.pad(x, (r // 2, r - r // 2, b // 2, b - b // 2))",
            ),
        ),
    },
    "task-5": {
        "dice": changed(
            TALLY,
            (
                "union = self.counts[i].sum() + self.counts[:, i].sum() - self.counts[i, i]",
                "union = (self.counts[i].sum() + self.counts[:, i].sum()) / 2",
            ),
        )
        + CHEAPEST,
        "absent-classes-count-as-zero": changed(TALLY, ('float("nan")', "0.0")) + CHEAPEST,
        "only-true-classes-in-the-mean": changed(
            TALLY, ("values[~torch.isnan(values)]", "values[self.counts.sum(1) > 0]")
        )
        + CHEAPEST,
        "only-the-last-batch": changed(
            TALLY,
            (
                "    def update(self, answer, truth):\n",
                "    def update(self, answer, truth):\n        self.counts.zero_()\n",
            ),
        )
        + CHEAPEST,
        "costs-transposed": TALLY
        + changed(CHEAPEST, ("@ cost,", "@ (cost.T if cost.shape == cost.T.shape else cost),")),
    },
    "task-6": {
        "names-are-interpolated": changed(
            LOAD,
            ('mode="nearest-exact"', 'mode="bicubic"'),
            ("y[:, 0].long()", "y[:, 0].round().long()"),
        )
        + LOSS
        + JUDGE,
        "only-the-picture-is-mirrored": changed(LOAD, ("        y = y.flip(-1)\n", ""))
        + LOSS
        + JUDGE,
        "upside-down": changed(LOAD, ("y.flip(-1)", "y.flip(-2)"), ("x.flip(-1)", "x.flip(-2)"))
        + LOSS
        + JUDGE,
        "scores-still-scrambled": LOAD + changed(LOSS, (".movedim(1, -1)", "")) + JUDGE,
        "mean-over-the-batches": LOAD
        + LOSS
        + """

def judge(net, x, y, classes, size):
    net.eval()
    means = []
    with torch.no_grad():
        for part, truth in zip(x.split(size), y.split(size)):
            answer, kept = net(part).argmax(dim=1), truth != 255
            pairs = truth[kept] * classes + answer[kept]
            counts = pairs.bincount(minlength=classes**2).view(classes, classes)
            both = counts.diag()
            means.append((both / (counts.sum(0) + counts.sum(1) - both)).nanmean() * len(part))
    return (sum(means) / len(x)).item()
""",
    },
    "task-7": {
        "mean-iou-without-the-ground": changed(ORACLE, ("oracle =", "whole ="))
        + "oracle = {side: (a, max(0, (4 * b - a) / 3)) for side, (a, b) in whole.items()}\n"
        + NETWORKS
        + STATEMENTS,
        "one-seed": ORACLE
        + """
def pair(table):
    both = table.diag()
    each = both / (table.sum(0) + table.sum(1) - both)
    return (both.sum() / table.sum()).item(), each.mean().item()


networks = {way: pair(race(way, 0)) for way in WAYS}
"""
        + STATEMENTS,
        "cells-are-the-limit": ORACLE
        + NETWORKS
        + changed(STATEMENTS, ('"hopeless": False', '"hopeless": True')),
        "fixed-weights-are-as-good": ORACLE
        + NETWORKS
        + changed(STATEMENTS, ('"frozen": False', '"frozen": True')),
    },
}
