"""Answers to the assignment on convolution: correct ones, and wrong ones by misconception."""

# The start of task 1; the answers differ in what they count.
COSTS = """
def layer_costs(shape, out_channels, kernel, stride=(1, 1), padding=(0, 0), bias=True):
    c, h, w = shape
    down, right = h + 2 * padding[0] - kernel[0], w + 2 * padding[1] - kernel[1]
    if down < 0 or right < 0:
        raise ValueError("the kernel does not fit")
    out = out_channels, down // stride[0] + 1, right // stride[1] + 1
    m, places, inputs = c * kernel[0] * kernel[1], out[0] * out[1] * out[2], c * h * w
"""

# The chapter's windows, for the correct and the wrong answers of task 3.
FORWARD = """
def conv_forward(x, weight, bias, stride, padding):
    (s, t), (p, q), (k, l) = stride, padding, weight.shape[2:]
    x = F.pad(x, (q, q, p, p))
    views = x.unfold(2, k, s).unfold(3, l, t)
    return torch.einsum("ncijab,ocab->noij", views, weight) + bias[:, None, None]
"""
BACKWARD = """
def conv_backward(delta, x, weight, stride, padding):
    (s, t), (p, q), (k, l) = stride, padding, weight.shape[2:]
    wide = F.pad(x, (q, q, p, p))
    views = wide.unfold(2, k, s).unfold(3, l, t)
    dweight = torch.einsum("noij,ncijab->ocab", delta, views)
    dwide = torch.zeros_like(wide)
    for i in range(delta.shape[2]):
        for j in range(delta.shape[3]):
            part = torch.einsum("no,ocab->ncab", delta[:, :, i, j], weight)
            dwide[:, :, i * s : i * s + k, j * t : j * t + l] += part
    dx = dwide[:, :, p : p + x.shape[2], q : q + x.shape[3]]
    return dx, dweight, delta.sum((0, 2, 3))
"""

# The measurements of task 7; the answers differ in what they conclude.
MEASURED = """
def feel(name, x):
    return F.adaptive_avg_pool2d(NETWORKS[name](x), 1).flatten(1)


period = {}
for name in NETWORKS:
    by = 1
    while change(feel(name, shift(PICTURES, by)), feel(name, PICTURES)) >= 1e-4:
        by += 1
    period[name] = by
one = NETWORKS["1"]
pooled = {}
for k in [1, 2, 4, 8]:
    pool = nn.MaxPool2d(k)
    pooled[k] = change(pool(one(shift(PICTURES, 1))), pool(one(PICTURES)))
statements = {
    "moves": True, "blocks": False, "larger": True, "maximum": False, "depth": False, "turn": False,
}
"""

CORRECT = {
    "task-1": {
        "one-list": COSTS
        + """
    return {
        "output": out,
        "convolution": (out_channels * m + bias * out_channels, places * (2 * m - (not bias))),
        "dense": (places * inputs + bias * places, places * (2 * inputs - (not bias))),
    }
""",
        "layers-on-meta": """
def layer_costs(shape, out_channels, kernel, stride=(1, 1), padding=(0, 0), bias=True):
    if any(n + 2 * p < k for n, p, k in zip(shape[1:], padding, kernel)):
        raise ValueError(f"no room for a kernel of {kernel}")
    with torch.device("meta"):
        layer = nn.Conv2d(shape[0], out_channels, kernel, stride, padding, bias=bias)
        x = torch.empty(1, *shape)
        y = layer(x)
        dense = nn.Linear(x.numel(), y.numel(), bias=bias)

    def pair(layer, m):
        products, sums = y.numel() * m, y.numel() * (m - 1 + int(bias))
        return sum(p.numel() for p in layer.parameters()), products + sums

    sums = pair(layer, layer.weight[0].numel())
    return {"output": tuple(y[0].shape), "convolution": sums, "dense": pair(dense, x.numel())}
""",
    },
    "task-2": {
        "loops": """
def detect(picture, kernel, bias, window, stride):
    x, (k, l) = picture.to(torch.float32), kernel.shape
    h, w = x.shape[0] - k + 1, x.shape[1] - l + 1
    sums = torch.empty(h, w)
    for i in range(h):
        for j in range(w):
            sums[i, j] = bias + (kernel * x[i : i + k, j : j + l]).sum()
    rest = torch.relu(sums)
    rows = []
    for i in range(0, h - window + 1, stride):
        row = [rest[i : i + window, j : j + window].max() for j in range(0, w - window + 1, stride)]
        rows.append(torch.stack(row))
    return sums, torch.stack(rows)
""",
        "chapter": """
def size(n, k, s=1):
    return (n - k) // s + 1


def windows(x, k, s=1):
    rows, columns = (
        s * torch.arange(size(x.shape[i], k[i], s))[:, None] + torch.arange(k[i]) for i in (0, 1))
    return x[rows[:, None, :, None], columns[None, :, None, :]]


def detect(picture, kernel, bias, window, stride):
    sums = torch.einsum("ijab,ab->ij", windows(picture.float(), kernel.shape), kernel) + bias
    best = windows(sums, (window, window), stride).flatten(2).max(dim=2).values
    return sums, best.relu()
""",
    },
    "task-3": {
        "windows-and-places": FORWARD + BACKWARD,
        "zeros-between-the-deltas": FORWARD
        + """

def conv_backward(delta, x, weight, stride, padding):
    (s, t), (p, q), (k, l) = stride, padding, weight.shape[2:]
    n, o, h, w = delta.shape
    apart = delta.new_zeros(n, o, (h - 1) * s + 1, (w - 1) * t + 1)
    apart[:, :, ::s, ::t] = delta
    wide = F.pad(x, (q, q, p, p))
    views = wide.unfold(2, apart.shape[2], 1).unfold(3, apart.shape[3], 1)
    dweight = torch.einsum("noij,ncabij->ocab", apart, views)[:, :, :k, :l]
    around = F.pad(apart, (l - 1, l - 1, k - 1, k - 1)).unfold(2, k, 1).unfold(3, l, 1)
    seen = torch.einsum("noijab,ocab->ncij", around, weight.flip(2, 3))
    dwide = torch.zeros_like(wide)
    dwide[:, :, : seen.shape[2], : seen.shape[3]] = seen
    dx = dwide[:, :, p : p + x.shape[2], q : q + x.shape[3]]
    return dx, dweight, delta.sum((0, 2, 3))
""",
        "matrix-products": """
def columns(x, k, s, p):
    return F.unfold(x, k, padding=p, stride=s)  # (n, c k l, h' w')


def conv_forward(x, weight, bias, stride, padding):
    out = weight.flatten(1) @ columns(x, weight.shape[2:], stride, padding) + bias[:, None]
    h = (x.shape[2] + 2 * padding[0] - weight.shape[2]) // stride[0] + 1
    return out.unflatten(2, (h, -1))


def conv_backward(delta, x, weight, stride, padding):
    d, k = delta.flatten(2), weight.shape[2:]
    dweight = (d @ columns(x, k, stride, padding).transpose(1, 2)).sum(0).reshape(weight.shape)
    back = weight.flatten(1).T @ d
    dx = F.fold(back, x.shape[2:], k, padding=padding, stride=stride)
    return dx, dweight, d.sum(dim=(0, 2))
""",
        "zeros-between": """
def correlate(x, v):  # x (n, c, h, w), v (o, c, k, l)
    views = x.unfold(2, v.shape[2], 1).unfold(3, v.shape[3], 1)
    return torch.einsum("ncijab,ocab->noij", views, v)


def conv_forward(x, weight, bias, stride, padding):
    p, q = padding
    all_places = correlate(F.pad(x, (q, q, p, p)), weight)
    return all_places[:, :, :: stride[0], :: stride[1]] + bias.reshape(1, -1, 1, 1)


def conv_backward(delta, x, weight, stride, padding):
    (p, q), (k, l) = padding, weight.shape[2:]
    wide = F.pad(x, (q, q, p, p))
    spread = delta.new_zeros(*delta.shape[:2], wide.shape[2] - k + 1, wide.shape[3] - l + 1)
    spread[:, :, :: stride[0], :: stride[1]] = delta
    dweight = correlate(wide.transpose(0, 1), spread.transpose(0, 1)).transpose(0, 1)
    around = F.pad(spread, (l - 1, l - 1, k - 1, k - 1))
    dwide = correlate(around, weight.flip(2, 3).transpose(0, 1))
    dx = dwide[:, :, p : wide.shape[2] - p, q : wide.shape[3] - q]
    return dx, dweight, delta.sum(3).sum(2).sum(0)
""",
    },
    "task-4": {
        "sizes-and-steps": """
def field(layers, i):
    size, step, start = 1, 1, 0
    for k, s, p, d in layers:
        size += d * (k - 1) * step
        start -= p * step
        step *= s
    first = start + i * step
    return first, first + size - 1


def unseen(layers, n):
    reach = [{j} for j in range(n)]  # the pixels behind each unit of a layer
    for k, s, p, d in layers:
        count = (len(reach) + 2 * p - d * (k - 1) - 1) // s + 1
        units = []
        for i in range(count):
            places = [i * s - p + d * a for a in range(k)]
            units.append(set().union(*(reach[j] for j in places if 0 <= j < len(reach))))
        reach = units
    everything = set().union(*reach)
    return [j for j in range(n) if j not in everything]
""",
        "gradients": """
def field(layers, i):
    if not layers:
        return i, i
    *before, (k, s, p, d) = layers
    return field(before, i * s - p)[0], field(before, i * s - p + d * (k - 1))[1]


def unseen(layers, n):
    x = torch.zeros(1, 1, n, dtype=torch.float64, requires_grad=True)
    out = x
    for k, s, p, d in layers:
        weight = torch.ones(1, 1, k, dtype=torch.float64)
        out = F.conv1d(out, weight, stride=s, padding=p, dilation=d)
    out.sum().backward()
    return (x.grad[0, 0] == 0).nonzero()[:, 0].tolist()
""",
    },
    "task-5": {
        "einsum-and-mask": """
def pixel_scores(maps, linear):
    sums = torch.einsum("nchw,oc->nohw", maps, linear.weight)
    return sums + linear.bias.reshape(1, -1, 1, 1)


def picture_scores(maps, sizes, linear):
    rows = torch.arange(maps.shape[2])[None, :, None] < sizes[:, 0, None, None]
    columns = torch.arange(maps.shape[3])[None, None, :] < sizes[:, 1, None, None]
    real = (rows & columns)[:, None]
    sums = torch.where(real, maps, 0.0).sum(dim=(2, 3))
    return linear(sums / sizes.prod(dim=1, keepdim=True))
""",
        "flat-pixels": """
def pixel_scores(maps, linear):
    n, c, h, w = maps.shape
    flat = linear(maps.flatten(2).transpose(1, 2))  # (n, h w, classes)
    return flat.transpose(1, 2).reshape(n, -1, h, w)


def picture_scores(maps, sizes, linear):
    scores = []
    for picture, (h, w) in zip(maps, sizes):
        real = picture[:, :h, :w]
        scores.append(pixel_scores(real[None], linear)[0].mean((1, 2)))
    return torch.stack(scores)
""",
    },
    "task-6": {
        "minus-infinity": """
def features(pictures, weight, bias):
    x = pictures.float().div(255).movedim(3, 1)
    maps = F.conv2d(x, weight, bias, padding=1)
    maps = F.pad(maps, (1, 1, 1, 1), value=-torch.inf)
    maps = F.max_pool2d(maps, 3, stride=2)
    return maps.flatten(2).mean(dim=2)
""",
        "modules": """
def features(pictures, weight, bias):
    x = torch.einsum("nhwc->nchw", pictures).to(torch.float32) / 255
    maps = F.conv2d(x, weight, bias, padding="same")
    head = nn.Sequential(nn.MaxPool2d(3, 2, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return head(maps)
""",
    },
    "task-7": {
        "loops": MEASURED,
        "measured-otherwise": """
maps = {name: net(PICTURES) for name, net in NETWORKS.items()}
change_of = {}
for name, net in NETWORKS.items():
    moved = [net(shift(PICTURES, s)).flatten(2).mean(2) for s in range(33)]
    change_of[name] = [change(m, maps[name].flatten(2).mean(2)) for m in moved]
period = {n: min(s for s in range(1, 33) if c[s] < 1e-4) for n, c in change_of.items()}
a, b = maps["1"], NETWORKS["1"](shift(PICTURES, 1))
pooled = {k: torch.tensor(change(F.max_pool2d(b, k), F.max_pool2d(a, k))) for k in (1, 2, 4, 8)}
averages = {k: change(F.avg_pool2d(b, k), F.avg_pool2d(a, k)) for k in (2, 4, 8)}
four = NETWORKS["1"](shift(PICTURES, 4))
turned = NETWORKS["1"](PICTURES.rot90(dims=(2, 3))).mean((2, 3))
statements = dict(
    moves=all(change(NETWORKS["1"](shift(PICTURES, s)), shift(a, s)) < 1e-4 for s in range(1, 32)),
    blocks=change(F.max_pool2d(four, 4), F.max_pool2d(a, 4)) < 1e-4,
    larger=all((pooled[k] > pooled[2 * k]).item() for k in (1, 2, 4)),
    maximum=all(averages[k] > pooled[k].item() for k in (2, 4, 8)),
    depth=change_of["2-2-2"][1] < change_of["2"][1],
    turn=change(turned, a.mean((2, 3))) < 1e-4,
)
""",
    },
}

WRONG = {
    "task-1": {
        "rounds-up": COSTS.replace("down // stride[0] + 1", "-(-down // stride[0]) + 1")
        + """
    return {
        "output": out,
        "convolution": (out_channels * (m + bias), places * (2 * m - 1 + bias)),
        "dense": (places * (inputs + bias), places * (2 * inputs - 1 + bias)),
    }
""",
        "forgets-the-input-channels": COSTS
        + """
    m = kernel[0] * kernel[1]
    return {
        "output": out,
        "convolution": (out_channels * (m + bias), places * (2 * m - 1 + bias)),
        "dense": (places * (inputs + bias), places * (2 * inputs - 1 + bias)),
    }
""",
        "fits-only-without-padding": COSTS.replace(
            "if down < 0 or right < 0", "if kernel[0] > h or kernel[1] > w"
        )
        + """
    return {
        "output": out,
        "convolution": (out_channels * (m + bias), places * (2 * m - 1 + bias)),
        "dense": (places * (inputs + bias), places * (2 * inputs - 1 + bias)),
    }
""",
        "padding-for-the-dense-layer": COSTS
        + """
    inputs = c * (h + 2 * padding[0]) * (w + 2 * padding[1])
    return {
        "output": out,
        "convolution": (out_channels * (m + bias), places * (2 * m - 1 + bias)),
        "dense": (places * (inputs + bias), places * (2 * inputs - 1 + bias)),
    }
""",
        "numbers-of-the-examples": """
def layer_costs(shape, out_channels, kernel, stride=(1, 1), padding=(0, 0), bias=True):
    return {
        "output": (1, 280, 319),
        "convolution": (2, 267_960),
        "dense": (8_003_072_000, 16_006_054_680),
    }
""",
    },
    "task-2": {
        "turned-kernel": """
def detect(picture, kernel, bias, window, stride):
    k, l = kernel.shape
    views = picture.float().unfold(0, k, 1).unfold(1, l, 1)
    sums = (views * kernel.flip(0, 1)).sum((2, 3)) + bias
    rest = sums.relu().unfold(0, window, stride).unfold(1, window, stride)
    return sums, rest.amax((2, 3))
""",
        "kernel-as-bytes": """
def detect(picture, kernel, bias, window, stride):
    views = picture.unfold(0, kernel.shape[0], 1).unfold(1, kernel.shape[1], 1)
    sums = torch.einsum("ijab,ab->ij", views, kernel.to(picture.dtype)).float() + bias
    rest = sums.relu().unfold(0, window, stride).unfold(1, window, stride)
    return sums, rest.amax((2, 3))
""",
        "bias-after-relu": """
def detect(picture, kernel, bias, window, stride):
    k, l = kernel.shape
    sums = (picture.float().unfold(0, k, 1).unfold(1, l, 1) * kernel).sum((2, 3))
    rest = sums.relu().unfold(0, window, stride).unfold(1, window, stride)
    return sums + bias, rest.amax((2, 3)) + bias
""",
        "stride-is-the-window": """
def detect(picture, kernel, bias, window, stride):
    k, l = kernel.shape
    sums = (picture.float().unfold(0, k, 1).unfold(1, l, 1) * kernel).sum((2, 3)) + bias
    rest = sums.relu().unfold(0, window, window).unfold(1, window, window)
    return sums, rest.amax((2, 3))
""",
        "ready-made": """
def detect(picture, kernel, bias, window, stride):
    sums = nn.functional.conv2d(picture.float()[None, None], kernel[None, None])[0] + bias
    return sums[0], nn.MaxPool2d(window, stride)(sums.relu())[0]
""",
    },
    "task-3": {
        "kernel-not-turned-on-the-way-back": FORWARD
        + BACKWARD.replace("j], weight)", "j], weight.flip(2, 3))"),
        "a-stack-instead-of-a-sum-over-channels": FORWARD.replace(
            '"ncijab,ocab->noij", views, weight)',
            '"nijab,oab->noij", views[:, 0], weight[:, 0])',
        )
        + BACKWARD,
        "padding-from-the-first-axis": FORWARD.replace("(q, q, p, p)", "(p, p, q, q)")
        + BACKWARD.replace("(q, q, p, p)", "(p, p, q, q)"),
        "mean-over-pictures": FORWARD
        + BACKWARD.replace("return dx, dweight, ", "return dx, dweight / len(x), "),
        "autograd": """
def conv_forward(x, weight, bias, stride, padding):
    return F.conv2d(x, weight, bias, stride, padding)


def conv_backward(delta, x, weight, stride, padding):
    dx = nn.grad.conv2d_input(x.shape, weight, delta, stride, padding)
    dweight = nn.grad.conv2d_weight(x, weight.shape, delta, stride, padding)
    return dx, dweight, delta.sum((0, 2, 3))
""",
    },
    "task-4": {
        "wrong-order-of-layers": """
def field(layers, i):
    first = last = i
    for k, s, p, d in layers:
        first, last = first * s - p, last * s - p + d * (k - 1)
    return first, last


def unseen(layers, n):
    sizes = [n]
    for k, s, p, d in layers:
        sizes.append((sizes[-1] + 2 * p - d * (k - 1) - 1) // s + 1)
    seen = set(range(sizes[-1]))
    for k, s, p, d in layers:
        seen = {i * s - p + d * a for i in seen for a in range(k)}
    return sorted(set(range(n)) - seen)
""",
        "forgets-the-padding": """
def field(layers, i):
    first = last = i
    for k, s, p, d in reversed(layers):
        first, last = first * s, last * s + d * (k - 1)
    return first, last


def unseen(layers, n):
    seen = {field(layers, 0)[0]}
    size = n
    for k, s, p, d in layers:
        size = (size - d * (k - 1) - 1) // s + 1
    for i in range(size):
        first, last = field(layers, i)
        seen |= set(range(first, last + 1))
    return sorted(set(range(n)) - seen)
""",
        "fields-without-gaps": """
def field(layers, i):
    first = last = i
    for k, s, p, d in reversed(layers):
        first, last = first * s - p, last * s - p + d * (k - 1)
    return first, last


def unseen(layers, n):
    size = n
    for k, s, p, d in layers:
        size = (size + 2 * p - d * (k - 1) - 1) // s + 1
    seen = set()
    for i in range(size):
        first, last = field(layers, i)
        seen |= set(range(first, last + 1))
    return sorted(set(range(n)) - seen)
""",
        "units-beyond-the-ends-of-a-map": """
def field(layers, i):
    first = last = i
    for k, s, p, d in reversed(layers):
        first, last = first * s - p, last * s - p + d * (k - 1)
    return first, last


def unseen(layers, n):
    size = n
    for k, s, p, d in layers:
        size = (size + 2 * p - d * (k - 1) - 1) // s + 1
    seen = set(range(size))
    for k, s, p, d in reversed(layers):
        seen = {i * s - p + d * a for i in seen for a in range(k)}
    return sorted(set(range(n)) - seen)
""",
        "cut-off-at-zero": """
def field(layers, i):
    first = last = i
    for k, s, p, d in reversed(layers):
        first, last = max(0, first * s - p), last * s - p + d * (k - 1)
    return first, last


def unseen(layers, n):
    return [7] if layers == [(3, 2, 0, 1)] else list(range(1, n, 2))
""",
    },
    "task-5": {
        "reshape-instead-of-permute": """
def pixel_scores(maps, linear):
    n, c, h, w = maps.shape
    return linear(maps.reshape(n, h, w, c)).reshape(n, -1, h, w)


def picture_scores(maps, sizes, linear):
    return torch.cat([linear(m[None, :, :h, :w].mean((2, 3))) for m, (h, w) in zip(maps, sizes)])
""",
        "all-pixels-count": """
def pixel_scores(maps, linear):
    return linear(maps.movedim(1, -1)).movedim(-1, 1)


def picture_scores(maps, sizes, linear):
    return linear(maps.mean(dim=(2, 3)))
""",
        "without-a-graph": """
@torch.no_grad()
def pixel_scores(maps, linear):
    return linear(maps.movedim(1, -1)).movedim(-1, 1)


def picture_scores(maps, sizes, linear):
    return torch.cat([linear(m[None, :, :h, :w].mean((2, 3))) for m, (h, w) in zip(maps, sizes)])
""",
        "zero-times-nan": """
def pixel_scores(maps, linear):
    return linear(maps.movedim(1, -1)).movedim(-1, 1)


def picture_scores(maps, sizes, linear):
    rows = torch.arange(maps.shape[2])[None, :, None] < sizes[:, 0, None, None]
    columns = torch.arange(maps.shape[3])[None, None, :] < sizes[:, 1, None, None]
    sums = (maps * (rows & columns)[:, None]).sum(dim=(2, 3))
    return linear(sums / sizes.prod(dim=1, keepdim=True))
""",
        "changes-the-maps": """
def pixel_scores(maps, linear):
    return linear(maps.movedim(1, -1)).movedim(-1, 1)


def picture_scores(maps, sizes, linear):
    for m, (h, w) in zip(maps, sizes):
        m[:, h:], m[:, :, w:] = 0, 0
    return linear(maps.sum(dim=(2, 3)) / sizes.prod(1, keepdim=True))
""",
    },
    "task-6": {
        "height-and-width-exchanged": """
def features(pictures, weight, bias):
    x = pictures.transpose(1, 3) / 255
    maps = F.conv2d(x, weight, bias, padding=1)
    return F.max_pool2d(maps, 3, stride=2, padding=1).mean(dim=(2, 3))
""",
        "order-of-channels-left": """
def features(pictures, weight, bias):
    n, h, w, channels = pictures.shape
    x = pictures.reshape(n, channels, h, w) / 255
    maps = F.conv2d(x, weight, bias, padding=1)
    return F.max_pool2d(maps, 3, stride=2, padding=1).mean(dim=(2, 3))
""",
        "relu-against-the-zeros": """
def features(pictures, weight, bias):
    x = pictures.permute(0, 3, 1, 2) / 255
    maps = F.conv2d(x, weight, bias, padding=1).relu()
    return F.max_pool2d(maps, 3, stride=2, padding=1).mean(dim=(2, 3))
""",
        "pooling-without-padding": """
def features(pictures, weight, bias):
    x = pictures.permute(0, 3, 1, 2) / 255
    maps = F.conv2d(x, weight, bias, padding=1)
    return F.max_pool2d(maps, 3, stride=2, ceil_mode=True).mean(dim=(2, 3))
""",
        "means-left": """
def features(pictures, weight, bias):
    x = pictures.permute(0, 3, 1, 2) / 255
    maps = F.conv2d(x, weight, bias, padding=1)
    maps = F.max_pool2d(maps, 3, stride=2, padding=1)
    return maps.reshape(len(maps), -1, len(weight)).mean(dim=1)
""",
    },
    "task-7": {
        "believes-in-invariance": MEASURED
        + """
period = {name: 1 for name in NETWORKS}
statements["blocks"] = statements["maximum"] = True
""",
        "largest-stride": MEASURED
        + """
period |= {"2-1-2": 2, "2-2-2": 2}
""",
        "depth-helps": MEASURED
        + """
statements["depth"] = True
""",
        "maxima-tolerate-more": MEASURED
        + """
statements["maximum"] = True
""",
        "pooled-pixels": MEASURED
        + """
for k in pooled:
    pooled[k] = change(F.max_pool2d(shift(PICTURES, 1), k), F.max_pool2d(PICTURES, k))
""",
    },
}
