"""Answers to lenet-digits: correct ones in other styles, wrong ones named by misconception."""

from classroom import changed

PADDING = """
def same_padding(k):
    if k < 1 or k % 2 == 0:
        raise ValueError("no padding keeps the size")
    return (k - 1) // 2
"""

TABLE = """

def layer_table(plan, shape):
    table = []
    for step in plan:
        count = 0
        if step[0] == "conv":
            _, m, k, p = step
            c, h, w = shape
            if h + 2 * p < k or w + 2 * p < k:
                raise ValueError("too large")
            count = m * (k * k * c + 1)
            shape = (m, h + 2 * p - k + 1, w + 2 * p - k + 1)
        elif step[0] == "pool":
            c, h, w = shape
            if h < step[1] or w < step[1]:
                raise ValueError("too large")
            shape = (c, h // step[1], w // step[1])
        elif step[0] == "norm":
            count = 2 * shape[0]
        elif step[0] == "flatten":
            shape = (shape[0] * shape[1] * shape[2],)
        elif step[0] == "dense":
            count = step[1] * (shape[0] + 1)
            shape = (step[1],)
        table.append((shape, count))
    return table
"""

LENET = """
import math


def num_flat_features(x):
    return math.prod(x.shape[1:])


class LeNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        super().__init__()
        s4 = (side // 2 - 4) // 2
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * s4 * s4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)
"""

BUILD = """
def build(plan, shape):
    channels, height, width = shape
    inputs = None
    layers = []
    for step in plan:
        if step[0] == "conv":
            layers.append(nn.Conv2d(channels, step[1], step[2], padding=step[3]))
            channels = step[1]
            height += 2 * step[3] - step[2] + 1
            width += 2 * step[3] - step[2] + 1
        elif step[0] == "pool":
            layers.append(nn.MaxPool2d(step[1]))
            height, width = height // step[1], width // step[1]
        elif step[0] == "norm":
            layers.append(nn.BatchNorm2d(channels))
        elif step[0] == "relu":
            layers.append(nn.ReLU())
        elif step[0] == "flatten":
            layers.append(nn.Flatten())
            inputs = channels * height * width
        elif step[0] == "dense":
            layers.append(nn.Linear(inputs, step[1]))
            inputs = step[1]
        elif step[0] == "log_softmax":
            layers.append(nn.LogSoftmax(dim=-1))
    return nn.Sequential(*layers)
"""

ONE_PASS = """
def train_one_pass(model, batches, test_batches, optimizer, every=50):
    reports = []
    for step, (x, y) in enumerate(batches, start=1):
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        if step % every == 0:
            model.eval()
            total, correct, count = 0.0, 0, 0
            with torch.no_grad():
                for x_test, y_test in test_batches:
                    scores = model(x_test)
                    total += F.cross_entropy(scores, y_test).item() * len(y_test)
                    correct += (scores.argmax(dim=1) == y_test).sum().item()
                    count += len(y_test)
            reports.append((step, total / count, correct / count))
    return reports
"""

CONVOLUTIONAL = """
def convolutional(model):
    layers, channels, first = [], None, True
    for layer in model:
        if isinstance(layer, nn.Flatten):
            continue
        if isinstance(layer, nn.Linear):
            k = round((layer.in_features / channels) ** 0.5) if first else 1
            new = nn.Conv2d(channels, layer.out_features, k)
            new.weight.data = layer.weight.data.view(-1, channels, k, k).clone()
            new.bias.data = layer.bias.data.clone()
            first, channels = False, layer.out_features
            layers.append(new)
        else:
            if isinstance(layer, nn.Conv2d):
                channels = layer.out_channels
            layers.append(copy.deepcopy(layer))
    return nn.Sequential(*layers)
"""

MEASURE = """
def share_right(model, column):
    model.eval()
    with torch.no_grad():
        scores = model(placed(readable.images, column))
    return (scores.argmax(dim=1) == readable.labels).float().mean().item()


measured = {name: {c: share_right(model, c) for c in COLUMNS} for name, model in MODELS.items()}

smallest_shift = None
with torch.no_grad():
    start = maximum(placed(readable.images, 12))
    for shift in range(8, 0, -1):
        if (maximum(placed(readable.images, 12 + shift)) - start).abs().max() < 1e-4:
            smallest_shift = shift

statements = {"A": True, "B": False, "C": False, "D": True, "E": False, "F": True}
"""


CORRECT = {
    "task-1": {
        "branches-of-its-own": PADDING + TABLE,
        "one-size-formula": """
def same_padding(k):
    padding, odd = divmod(k - 1, 2)
    if odd or padding < 0:
        raise ValueError(f"kernel side {k} must be odd and positive")
    return padding


def size(n, k, p=0, s=1):
    if k > n + 2 * p:
        raise ValueError(f"window {k} on {n} pixels with padding {p}")
    return (n + 2 * p - k) // s + 1


def layer_table(plan, shape):
    def after(kind, numbers, shape):
        match kind:
            case "conv":
                m, k, p = numbers
                sides = [size(n, k, p) for n in shape[1:]]
                return torch.Size([m, *sides]), m + m * shape[0] * k**2
            case "pool":
                (k,) = numbers
                return (shape[0], *[size(n, k, s=k) for n in shape[1:]]), 0
            case "dense":
                return tuple(numbers), numbers[0] + numbers[0] * shape[0]
            case "norm":
                return shape, shape[0] + shape[0]
            case "flatten":
                return (torch.Size(shape).numel(),), 0
        return shape, 0

    pairs = []
    for kind, *numbers in plan:
        pairs.append(after(kind, numbers, pairs[-1][0] if pairs else shape))
    return pairs
""",
    },
    "task-2": {
        "size-measured-with-zeros": """
def num_flat_features(x):
    size = 1
    for n in x.size()[1:]:
        size *= n
    return size


class LeNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(channels, 6, (5, 5), padding="same")
        self.conv2 = nn.Conv2d(6, 16, (5, 5))
        with torch.no_grad():
            inputs = num_flat_features(self.maps(torch.zeros(1, channels, side, side)))
        self.fc1 = nn.Linear(inputs, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def maps(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        return F.relu(F.max_pool2d(self.conv2(x), 2))

    def forward(self, x):
        x = self.maps(x)
        x = x.view(x.shape[0], -1)
        return self.fc3(self.fc2(self.fc1(x).relu()).relu())
""",
        "modules-for-everything": """
def num_flat_features(x):
    return torch.Size(x.shape[1:]).numel()


class LeNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        super().__init__()
        self.fc3 = nn.Linear(84, classes)
        self.fc2 = nn.Linear(120, 84)
        s2 = (side + 2 * 2 - 5 + 1) // 2
        s4 = (s2 - 5 + 1) // 2
        self.fc1 = nn.Linear(16 * s4**2, 120)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=2)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()

    def forward(self, x):
        for convolution in (self.conv1, self.conv2):
            x = self.pool(self.relu(convolution(x)))
        x = self.flatten(x)
        for dense in (self.fc1, self.fc2):
            x = self.relu(dense(x))
        return self.fc3(x)
""",
    },
    "task-3": {
        "sizes-by-formula": BUILD,
        "runs-the-network-so-far": """
def build(plan, shape):
    network = nn.Sequential()

    def now():
        with torch.no_grad():
            return copy.deepcopy(network).eval()(torch.zeros(1, *shape)).shape[1]

    make = {
        "conv": lambda m, k, p: nn.Conv2d(now(), m, (k, k), padding=(p, p)),
        "pool": lambda s: nn.MaxPool2d((s, s), stride=s),
        "norm": lambda: nn.BatchNorm2d(now()),
        "relu": lambda: nn.ReLU(inplace=True),
        "flatten": nn.Flatten,
        "dense": lambda m: nn.Linear(now(), m),
        "log_softmax": lambda: nn.LogSoftmax(1),
    }
    for kind, *numbers in plan:
        network.append(make[kind](*numbers))
    return network
""",
    },
    "task-4": {
        "one-test-batch": """
def train_one_pass(model, batches, test_batches, optimizer, every=50):
    x_test, y_test = (torch.cat(part) for part in zip(*test_batches))
    reports = []
    for step, (x, y) in enumerate(batches, 1):
        model.train()
        optimizer.zero_grad()
        nn.CrossEntropyLoss()(model(x), y).backward()
        optimizer.step()
        if step % every:
            continue
        with torch.inference_mode():
            scores = model.eval()(x_test)
        right = (scores.argmax(-1) == y_test).double().mean().item()
        reports.append((step, F.cross_entropy(scores, y_test).item(), right))
    return reports
""",
        "means-weighted-by-size": ONE_PASS,
        "library-functions": """
def train_one_pass(model, batches, test_batches, optimizer, every=50):
    reports = []
    loss_fn = nn.CrossEntropyLoss()
    model.train()
    for step, (x, y) in enumerate(batches):
        loss = loss_fn(model(x), y)
        model.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % every == 0:
            result = train.evaluate(model, test_batches, loss_fn, {"accuracy": train.accuracy})
            reports.append((step + 1, result["loss"], result["accuracy"]))
    return reports
""",
        "log-softmax-and-all-scores-together": """
@torch.no_grad()
def tested(model, test_batches):
    model.eval()
    pairs = [(model(x), y) for x, y in test_batches]
    model.train()
    log_p = torch.cat([scores for scores, _ in pairs]).log_softmax(dim=1)
    y = torch.cat([y for _, y in pairs])
    return F.nll_loss(log_p, y).item(), (log_p.argmax(dim=1) == y).double().mean().item()


def train_one_pass(model, batches, test_batches, optimizer, every=50):
    model.train()
    reports = []
    step = 0
    for x, y in batches:
        step += 1
        optimizer.zero_grad()
        F.nll_loss(F.log_softmax(model(x), dim=1), y).backward()
        optimizer.step()
        if step % every == 0:
            reports.append((step, *tested(model, test_batches)))
    return reports
""",
    },
    "task-5": {
        "clones-of-the-weights": CONVOLUTIONAL,
        "state-dictionaries-and-unflatten": """
def convolutional(model):
    with torch.no_grad():
        old = list(copy.deepcopy(model))
        at = [isinstance(layer, nn.Flatten) for layer in old].index(True)
        channels = [layer for layer in old[:at] if isinstance(layer, nn.Conv2d)][-1].out_channels
        new = nn.Sequential(*old[:at])
        for layer in old[at + 1 :]:
            if isinstance(layer, nn.Linear):
                k = int((layer.weight.shape[1] / channels) ** 0.5 + 0.5)
                layer2 = nn.Conv2d(channels, layer.weight.shape[0], k)
                weight = layer.weight.unflatten(1, (channels, k, k))
                layer2.load_state_dict({"weight": weight, "bias": layer.bias})
                channels = layer.weight.shape[0]
                layer = layer2
            new.append(layer)
    return new
""",
    },
    "task-6": {
        "counts-down": MEASURE,
        "library-and-loops": """
def share_right(model, column):
    batch = [(placed(readable.images, column), readable.labels)]
    return train.evaluate(model, batch, F.cross_entropy, {"right": train.accuracy})["right"]


measured = {}
for name in MODELS:
    measured[name] = {}
    for column in COLUMNS:
        measured[name][column] = torch.tensor(share_right(MODELS[name], column))

before, shift, change = MODELS["maximum"](placed(readable.images, 12)).detach(), 0, 1.0
while change > 1e-4:
    shift += 1
    after = MODELS["maximum"](placed(readable.images, 12 + shift)).detach()
    change = (after - before).abs().amax()
smallest_shift = shift
numbers = {name: sum(p.numel() for p in m.parameters()) for name, m in MODELS.items()}
statements = {
    "A": all(bool(measured[name][12] >= 0.5) for name in MODELS),
    "B": bool(measured["dense"][36] >= 0.5),
    "C": bool(measured["two places"][24] >= 0.5),
    "D": True,
    "E": False,
    "F": numbers["maximum"] < numbers["dense"] / 2,
}
""",
    },
}

WRONG = {
    "task-1": {
        "even-kernels-rounded-down": changed(PADDING, ("k < 1 or k % 2 == 0", "k < 1")) + TABLE,
        "height-for-width": PADDING + changed(TABLE, ("w + 2 * p - k + 1)", "h + 2 * p - k + 1)")),
        "padding-counted-once": PADDING + changed(TABLE, ("+ 2 * p - k + 1", "+ p - k + 1")),
        "pool-rounds-up": PADDING
        + changed(TABLE, ("h // step[1], w // step[1]", "-(-h // step[1]), -(-w // step[1])")),
        "running-statistics-are-parameters": PADDING
        + changed(TABLE, ("count = 2 * shape[0]", "count = 4 * shape[0]")),
        "asks-pytorch": PADDING
        + """

def layer_table(plan, shape):
    table, x = [], torch.zeros(2, *shape)
    for kind, *numbers in plan:
        if kind == "conv":
            layer = nn.Conv2d(x.shape[1], numbers[0], numbers[1], padding=numbers[2])
        elif kind == "dense":
            layer = nn.Linear(x.shape[1], numbers[0])
        elif kind == "norm":
            layer = nn.BatchNorm2d(x.shape[1])
        elif kind == "pool":
            layer = nn.MaxPool2d(numbers[0])
        else:
            layer = nn.Flatten() if kind == "flatten" else nn.Identity()
        try:
            x = layer(x)
        except RuntimeError as error:
            raise ValueError("too large") from error
        table.append((tuple(x.shape[1:]), train.count_parameters(layer)))
    return table
""",
        "hard-coded-chapter": """
def same_padding(k):
    return {1: 0, 3: 1, 5: 2, 7: 3}[k]


def layer_table(plan, shape):
    sizes = [(6, 28, 28), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 10, 10), (16, 5, 5)]
    sizes += [(400,), (120,), (120,), (84,), (84,), (10,)]
    counts = [156, 0, 0, 2416, 0, 0, 0, 48120, 0, 10164, 0, 850]
    if plan == LENET:
        return list(zip(sizes, counts))
    totals = {10: 61706, 8: 28938, 7: 1007590, 13: 39786}
    total = {12: 61706, 11: 61706, 8: 28938, 10: 1007590}.get(len(plan), 39786)
    return [((10,), 0)] * (len(plan) - 1) + [((10,), total)]
""",
    },
    "task-2": {
        "hard-coded-400": changed(LENET, ("16 * s4 * s4", "400")),
        "view-of-400": changed(LENET, ("x.flatten(1)", "x.view(-1, 400)")),
        "padding-in-both-layers": changed(
            LENET,
            ("Conv2d(6, 16, 5)", "Conv2d(6, 16, 5, padding=2)"),
            ("(side // 2 - 4) // 2", "side // 2 // 2"),
        ),
        "softmax-at-the-end": changed(
            LENET, ("return self.fc3(x)", "return F.softmax(self.fc3(x), dim=1)")
        ),
        "no-relu-between-dense-layers": changed(LENET, ("F.relu(self.fc2(x))", "self.fc2(x)")),
        "average-pooling": changed(LENET, ("max_pool2d", "avg_pool2d")),
        "flat-features-of-maps-only": changed(
            LENET,
            ("math.prod(x.shape[1:])", "x.shape[1] * x.shape[2] * x.shape[3]"),
        ),
    },
    "task-3": {
        "pictures-taken-for-28-squares": changed(
            BUILD, ("channels, height, width = shape", "channels, height, width = shape[0], 28, 28")
        ),
        "padding-forgotten": changed(
            BUILD,
            ("step[2], padding=step[3])", "step[2])"),
            ("+= 2 * step[3] - step[2] + 1", "+= 1 - step[2]"),
        ),
        "pool-with-stride-1": changed(
            BUILD,
            ("nn.MaxPool2d(step[1])", "nn.MaxPool2d(step[1], stride=1)"),
            (
                "height // step[1], width // step[1]",
                "height - step[1] + 1, width - step[1] + 1",
            ),
        ),
        "norm-of-pixels": changed(BUILD, ("nn.BatchNorm2d(channels)", "nn.BatchNorm2d(height)")),
        "norm-without-learned-numbers": changed(
            BUILD, ("nn.BatchNorm2d(channels)", "nn.BatchNorm2d(channels, affine=False)")
        ),
        "softmax-over-the-batch": changed(BUILD, ("LogSoftmax(dim=-1)", "LogSoftmax(dim=0)")),
        "hard-coded-chapter": """
def build(plan, shape):
    two = nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )
    large = nn.Sequential(
        nn.Conv2d(1, 10, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(10, 20, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(2000, 500), nn.ReLU(), nn.Linear(500, 10), nn.LogSoftmax(dim=1),
    )
    clothes = nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 10),
    )
    return {8: two, 10: large, 13: clothes}[len(plan)]
""",
    },
    "task-4": {
        "softmax-left": changed(
            ONE_PASS,
            ("F.cross_entropy(model(x), y)", "F.cross_entropy(model(x).softmax(dim=1), y)"),
        ),
        "training-mode-only-at-the-start": changed(
            ONE_PASS,
            ("        model.train()\n", ""),
            ("    reports = []\n", "    reports = []\n    model.train()\n"),
        ),
        "means-of-batches": changed(
            ONE_PASS,
            (
                "F.cross_entropy(scores, y_test).item() * len(y_test)",
                "F.cross_entropy(scores, y_test).item()",
            ),
            ("total / count", "total / len(list(test_batches))"),
        ),
        "negative-likelihood-of-scores": changed(
            ONE_PASS, ("loss = F.cross_entropy(model(x), y)", "loss = F.nll_loss(model(x), y)")
        ),
        "gradients-add-up": changed(ONE_PASS, ("        optimizer.zero_grad()\n", "")),
        "graph-in-the-test": changed(
            ONE_PASS, ("with torch.no_grad():", "with torch.enable_grad():")
        ),
        "hard-coded-example": """
def train_one_pass(model, batches, test_batches, optimizer, every=50):
    return [(3, 1.1711, 2 / 3), (6, 1.1711, 2 / 3)]
""",
    },
    "task-5": {
        "window-first-in-the-row": changed(
            CONVOLUTIONAL,
            (".view(-1, channels, k, k)", ".view(-1, k, k, channels).permute(0, 3, 1, 2)"),
        ),
        "bias-forgotten": changed(
            CONVOLUTIONAL, ("            new.bias.data = layer.bias.data.clone()\n", "")
        ),
        "weights-shared": changed(CONVOLUTIONAL, (".clone()", "")),
        "always-5-by-5": changed(
            CONVOLUTIONAL, ("round((layer.in_features / channels) ** 0.5)", "5")
        ),
        "jumps-a-whole-window": changed(
            CONVOLUTIONAL,
            ("layer.out_features, k)", "layer.out_features, k, stride=k)"),
        ),
        "hard-coded-lenet": """
def convolutional(model):
    c1, _, _, c3, _, _, _, c5, _, f6, _, out = copy.deepcopy(model)
    new = [nn.Conv2d(16, 120, 5), nn.Conv2d(120, 84, 1), nn.Conv2d(84, 10, 1)]
    with torch.no_grad():
        for a, b in zip(new, (c5, f6, out)):
            a.weight.copy_(b.weight.view_as(a.weight))
            a.bias.copy_(b.bias)
    layers = [c1, nn.ReLU(), nn.MaxPool2d(2), c3, nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, new[0], nn.ReLU(), new[1], nn.ReLU(), new[2])
""",
    },
    "task-6": {
        "tests-in-the-mode-it-comes": changed(MEASURE, ("    model.eval()\n", "")),
        "always-at-column-12": changed(
            MEASURE, ("readable.images, column)", "readable.images, 12)")
        ),
        "shift-of-the-poolings": changed(
            MEASURE, ("statements = {", "smallest_shift = 4\nstatements = {")
        ),
        "convolution-is-invariant": changed(
            MEASURE,
            ('"B": False, "C": False', '"B": True, "C": True'),
            ('"E": False', '"E": True'),
            ("statements = {", "smallest_shift = 1\nstatements = {"),
        ),
        "between-two-places-it-interpolates": changed(MEASURE, ('"C": False', '"C": True')),
        "tolerance-needs-parameters": changed(MEASURE, ('"F": True', '"F": False')),
        "typed-by-hand": changed(
            MEASURE,
            (
                "measured = {name: {c: share_right(model, c) for c in COLUMNS}",
                "measured = {name: {c: 0.95 for c in COLUMNS}",
            ),
        ),
    },
}
