"""Answers to the assignment on AlexNet, VGG, NiN, GoogLeNet, ResNet and DenseNet.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

from classroom import changed

SIDES = """

def sides(steps, last, largest=512):
    found = []
    for n in range(1, largest + 1):
        try:
            pairs = trail(n, steps)
        except ValueError:
            pairs = [(None, None)]
        if pairs[-1][0] == last:
            found.append(n)
    return found
"""

TRAIL = """
def trail(n, steps):
    pairs = []
    for k, s, p in steps:
        n += 2 * p
        if k > n:
            raise ValueError(f"no room for a window of {k}")
        side = (n - k) // s + 1
        pairs.append((side, n - k - (side - 1) * s))
        n = side
    return pairs
"""

VGG = """
def vgg_features(convs, channels, inputs=3):
    features = nn.Sequential()
    for number, (count, outputs) in enumerate(zip(convs, channels)):
        sizes = [inputs] + count * [outputs]
        block = [
            layer
            for i, o in zip(sizes, sizes[1:])
            for layer in (nn.Conv2d(i, o, (3, 3), padding="same"), nn.ReLU(inplace=True))
        ]
        block.append(nn.MaxPool2d(kernel_size=2, stride=2))
        features.add_module(f"block{number}", nn.Sequential(*block))
        inputs = outputs
    return features
"""

SMALL = """

def small_windows(channels, k):
    if k not in range(3, 1000, 2):
        raise ValueError(k)
    model = nn.Sequential(nn.Conv2d(channels, channels, 3, bias=False))
    for _ in range((k - 3) // 2):
        model.append(nn.ReLU())
        model.append(nn.Conv2d(channels, channels, 3, bias=False))
    return model
"""

SAVED = """

def saved(k):
    return (k * k - 9 * (k - 1) / 2) / k**2
"""

INCEPTION = """
def same(k):
    return tuple(n // 2 for n in k) if isinstance(k, tuple) else k // 2


class Inception(nn.Module):
    def __init__(self, inputs, paths):
        super().__init__()
        self.outputs, self.plan = 0, paths
        self.convs = nn.ModuleList()
        for path in paths:
            held = inputs
            for step in path:
                if step != "pool":
                    c, k = step
                    self.convs.append(nn.Conv2d(held, c, k, padding=same(k)))
                    held = c
            self.outputs += held

    def forward(self, x):
        convs, results = iter(self.convs), []
        for path in self.plan:
            z = x
            for step in path:
                z = F.max_pool2d(z, 3, 1, 1) if step == "pool" else torch.relu(next(convs)(z))
            results.append(z)
        return torch.cat(results, 1)
"""

DENSE = """

class DenseBlock(nn.Module):
    def __init__(self, inputs, layers, growth, bottleneck=None):
        super().__init__()
        self.outputs = inputs + layers * growth
        rows = []
        for c in range(inputs, self.outputs, growth):
            row = [nn.BatchNorm2d(c), nn.ReLU()]
            if bottleneck:
                row.append(nn.Conv2d(c, bottleneck, 1, bias=False))
                c = bottleneck
                row += [nn.BatchNorm2d(c), nn.ReLU(inplace=True)]
            rows.append(nn.Sequential(*row, nn.Conv2d(c, growth, 3, 1, 1, bias=False)))
        self.rows = nn.Sequential(*rows)

    def forward(self, x):
        maps = [x]
        for row in self.rows:
            maps.append(row(torch.cat(maps, dim=1)))
        return torch.cat(maps, dim=1)
"""

RESIDUAL = """
class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        out = torch.relu_(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return torch.relu_(out)
"""

RESNET = """

class ResNet(nn.Module):
    def __init__(self, blocks, width, classes, inputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, width, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.stages = nn.Sequential()
        for number, count in enumerate(blocks):
            before = width if number == 0 else width * 2 ** (number - 1)
            after = width * 2**number
            first = Residual(before, after, 1 if number == 0 else 2)
            more = [Residual(after, after) for _ in range(count - 1)]
            self.stages.append(nn.Sequential(first, *more))
        self.fc = nn.Linear(after, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 3, stride=2, padding=1)
        return self.fc(self.stages(x).mean(dim=(2, 3)))


def resnet(blocks, width, classes, inputs=3):
    return ResNet(blocks, width, classes, inputs)
"""

BLOCK = """
class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(2))
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut.append(nn.Conv2d(inputs, outputs, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.norms[0](self.conv1(x)).relu()
        return (self.norms[1](self.conv2(y)) + self.shortcut(x)).relu()
"""

LEARN = """

def learn(model, batches, valid, optimizer, epochs):
    found = []
    for _ in range(epochs):
        model.train()
        for x, y in batches:
            loss = F.cross_entropy(model(x), y)
            model.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        right = total = 0
        with torch.inference_mode():
            for x, y in valid:
                right += int((model(x).max(dim=1).indices == y).sum())
                total += y.numel()
        found.append(right / total)
    return found
"""

COST = """
cost = {
    "AlexNet": (13366, 79008), "VGG": (13238, 144384), "NiN": (1894, 65952),
    "GoogLeNet": (2614, 81168), "DenseNet": (6334, 210192), "ResNet-8": (3694, 127056),
    "ResNet-20": (10798, 375888), "plain-8": (3694, 127056), "plain-20": (10798, 375888),
}
"""

RATIO = """ratio = {"plain-8": 2.538, "plain-20": 14.82, "ResNet-8": 2.649, "ResNet-20": 6.156}
"""

STATEMENTS = """statements = {
    "free_skip": True, "same_order": False, "larger": True, "vanishing": False,
    "overfitting": False, "skips": True, "depth_pays": False, "cheaper": True, "nin": True,
}
"""

CORRECT = {
    "task-1": {
        "padded-side-first": TRAIL + SIDES,
        "starts-of-the-windows": """
def trail(n, steps):
    pairs = []
    for k, s, p in steps:
        starts = range(0, n + 2 * p - k + 1, s)
        if not starts:
            raise ValueError("the window is larger than the padded maps")
        pairs.append((len(starts), n + 2 * p - (starts[-1] + k)))
        n = len(starts)
    return pairs


def sides(steps, last, largest=512):
    low = high = last  # an interval, followed backwards
    for k, s, p in reversed(steps):
        low, high = (low - 1) * s + k - 2 * p, high * s + k - 1 - 2 * p
        low = max(low, 1)
    return [n for n in range(low, min(high, largest) + 1) if trail(n, steps)[-1][0] == last]
""",
    },
    "task-2": {
        "chapters-way": """
def conv(inputs, outputs, size, padding=0):
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, padding=padding), nn.ReLU())


def vgg_block(convs, inputs, outputs):
    sizes = [inputs] + [outputs] * convs
    steps = [conv(i, o, 3, padding=1) for i, o in zip(sizes, sizes[1:], strict=False)]
    return nn.Sequential(*steps, nn.MaxPool2d(2))


def vgg_features(convs, channels, inputs=3):
    before = (inputs, *channels[:-1])
    return nn.Sequential(*[vgg_block(*row) for row in zip(convs, before, channels)])
"""
        + SMALL
        + SAVED,
        "names-and-in-place-relus": VGG
        + """

def small_windows(channels, k):
    if k < 3 or k % 2 != 1:
        raise ValueError("k must be 3, 5, 7, …")
    layers = [nn.Conv2d(channels, channels, 3, bias=False) for _ in range((k - 1) // 2)]
    return nn.Sequential(layers[0], *[nn.Sequential(nn.ReLU(), layer) for layer in layers[1:]])


def saved(k):
    small = sum(p.numel() for p in small_windows(2, k).parameters())
    return 1 - small / nn.Conv2d(2, 2, k, bias=False).weight.numel()
""",
    },
    "task-3": {
        "one-by-one": """
def slide(net, inputs, size, stride=1, padding=0):
    a, b, c = (layer for layer in net if isinstance(layer, nn.Linear))
    first = nn.Conv2d(inputs, a.out_features, size, stride=stride, padding=padding)
    second = nn.Conv2d(a.out_features, b.out_features, 1)
    third = nn.Conv2d(b.out_features, c.out_features, 1)
    first.weight.data = a.weight.data.clone().reshape(-1, inputs, size, size)
    second.weight.data = b.weight.data.clone()[:, :, None, None]
    third.weight.data = c.weight.data.clone()[:, :, None, None]
    for conv, layer in ((first, a), (second, b), (third, c)):
        conv.bias.data = layer.bias.data.clone()
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), third, nn.ReLU())
""",
        "chapters-block-and-state-dict": """
def conv(inputs, outputs, size, stride=1, padding=0):
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, padding), nn.ReLU())


def nin_block(inputs, outputs, size, stride=1, padding=0):
    a, b, c = outputs
    return nn.Sequential(conv(inputs, a, size, stride, padding), conv(a, b, 1), conv(b, c, 1))


def slide(net, inputs, size, stride=1, padding=0):
    block = nin_block(inputs, [net[i].out_features for i in (0, 2, 4)], size, stride, padding)
    state = block.state_dict()
    for name, value in zip(state, net.state_dict().values(), strict=True):
        state[name] = value.reshape(state[name].shape)
    block.load_state_dict(state)
    return block
""",
    },
    "task-4": {
        "functions-in-forward": INCEPTION + DENSE,
        "factories": """
def run(inputs, path):
    layers = []
    for step in path:
        if isinstance(step, str):
            layers.append(nn.MaxPool2d(3, 1, 1))
        else:
            outputs, k = step
            high, wide = k if isinstance(k, tuple) else (k, k)
            pad = ((high - 1) // 2, (wide - 1) // 2)
            layers += [nn.Conv2d(inputs, outputs, (high, wide), 1, pad), nn.ReLU(inplace=True)]
            inputs = outputs
    return nn.Sequential(*layers), inputs


class Inception(nn.Module):
    def __init__(self, inputs, paths):
        super().__init__()
        made = [run(inputs, path) for path in paths]
        self.paths = nn.ModuleList([path for path, _ in made])
        self.outputs = sum(channels for _, channels in made)

    def forward(self, x):
        return torch.cat([path(x) for path in self.paths], 1)


def bn_conv(inputs, outputs, size, padding=0):
    layer = nn.Conv2d(inputs, outputs, size, padding=padding, bias=False)
    return nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), layer)


class DenseBlock(nn.Module):
    def __init__(self, inputs, layers, growth, bottleneck=None):
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(layers):
            parts, wide = [], inputs
            if bottleneck is not None:
                parts, wide = [bn_conv(inputs, bottleneck, 1)], bottleneck
            self.layers.append(nn.Sequential(*parts, bn_conv(wide, growth, 3, 1)))
            inputs += growth
        self.outputs = inputs

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat([x, layer(x)], dim=1)
        return x
""",
    },
    "task-5": {
        "torchvisions-way": RESIDUAL + RESNET,
        "chapters-way": """
class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.path(x) + self.shortcut(x))


def resnet(blocks, width, classes, inputs=3):
    stem = [nn.Conv2d(inputs, width, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(width),
            nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1)]
    steps, held = stem, width
    for index, count in enumerate(blocks):
        for k in range(count):
            stride = 2 if k == 0 and index > 0 else 1
            steps.append(Residual(held, held * stride, stride))
            held *= stride
    head = nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(held, classes)
    return nn.Sequential(*steps, *head)
""",
    },
    "task-6": {
        "list-of-norms": BLOCK + LEARN,
        "none-where-nothing-changes": changed(
            BLOCK,
            ("self.shortcut = nn.Sequential()", "self.shortcut = None"),
            ("if stride != 1", "if stride > 1"),
            ("self.shortcut.append(nn.Conv2d(", "self.shortcut = nn.Sequential(nn.Conv2d("),
            ("self.shortcut(x)).relu()", "(self.shortcut(x) if self.shortcut else x)).relu()"),
        )
        + LEARN,
        "three-names": """
class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm, self.norm_2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = F.relu(self.norm(self.conv1(x)))
        y = self.norm_2(self.conv2(y))
        y += self.shortcut(x)
        return F.relu(y)


@torch.no_grad()
def judge(model, valid):
    model.eval()
    answers = torch.cat([model(x).argmax(dim=1) for x, _ in valid])
    return (answers == torch.cat([y for _, y in valid])).double().mean().item()


def learn(model, batches, valid, optimizer, epochs):
    found = []
    for _ in range(epochs):
        for x, y in batches:
            model.train()
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        found.append(judge(model, valid))
    return found
""",
    },
    "task-7": {
        "typed": COST + RATIO + STATEMENTS,
        "hooks": """
def count(name):
    model, work = network(name, 0), 0
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(
                lambda m, i, o: sizes.append(m.weight.numel() * o[0, 0].numel())
            )
    sizes = []
    model(X[:2])
    return train.count_parameters(model), sum(sizes)


def one(name, seed):
    model = network(name, seed).train()
    first = model[0](X[:64])
    first.retain_grad()
    last = first
    for step in model[1:-3]:
        last = step(last)
    last.retain_grad()
    F.cross_entropy(model[-3:](last), Y[:64]).backward()
    return first.grad.norm() / last.grad.norm()


cost = {name: count(name) for name in NAMES}
ratio = {name: torch.stack([one(name, seed) for seed in range(5)]).log().mean().exp()
         for name in ("plain-8", "plain-20", "ResNet-8", "ResNet-20")}
"""
        + STATEMENTS,
    },
}

WRONG = {
    "task-1": {
        "rounds-up": """
def trail(n, steps):
    pairs = []
    for k, s, p in steps:
        room = n + 2 * p - k
        if room < 0:
            raise ValueError("too small")
        n = math.ceil(room / s) + 1
        pairs.append((n, room % s))
    return pairs
"""
        + SIDES,
        "padding-once": changed(TRAIL, ("n += 2 * p", "n += p")) + SIDES,
        "one-side-only": TRAIL
        + """

def sides(steps, last, largest=512):
    n = last
    for k, s, p in reversed(steps):
        n = (n - 1) * s + k - 2 * p  # only where the division is exact
    return [n] if n <= largest else []
""",
        "largest-left-out": TRAIL + changed(SIDES, ("largest + 1", "largest")),
        "no-error": changed(TRAIL, ("if k > n:", "if n < 0:")) + SIDES,
    },
    "task-2": {
        "one-layer-repeated": """
def vgg_features(convs, channels, inputs=3):
    blocks = []
    for count, outputs in zip(convs, channels):
        steps = [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
        again = [nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU()]
        blocks.append(nn.Sequential(*steps, *(again * (count - 1)), nn.MaxPool2d(2)))
        inputs = outputs
    return nn.Sequential(*blocks)
"""
        + SMALL
        + SAVED,
        "relu-only-before-the-pooling": changed(
            VGG,
            (
                'for layer in (nn.Conv2d(i, o, (3, 3), padding="same"), nn.ReLU(inplace=True))',
                'for layer in (nn.Conv2d(i, o, (3, 3), padding="same"),)',
            ),
            ("block.append(", "block.append(nn.ReLU())\n        block.append("),
        )
        + SMALL
        + SAVED,
        "flat-list-of-layers": changed(
            VGG,
            (
                'features.add_module(f"block{number}", nn.Sequential(*block))',
                "features.extend(block)",
            ),
        )
        + SMALL
        + SAVED,
        "a-relu-at-the-end": VGG
        + changed(SMALL, ("return model", "return model.append(nn.ReLU())"))
        + SAVED,
        "ratio-instead-of-saving": VGG
        + SMALL
        + """

def saved(k):
    return 0.449 if k == 7 else 9 * (k // 2) / k**2
""",
    },
    "task-3": {
        "shares-the-weights": """
def slide(net, inputs, size, stride=1, padding=0):
    steps = []
    for number, layer in enumerate(net[::2]):
        conv = nn.Conv2d(inputs, layer.out_features, *((1,) if number else (size, stride, padding)))
        conv.weight.data = layer.weight.data.view_as(conv.weight)
        conv.bias = layer.bias
        steps += [conv, nn.ReLU()]
        inputs = layer.out_features
    return nn.Sequential(*steps)
""",
        "last-relu-forgotten": """
def slide(net, inputs, size, stride=1, padding=0):
    steps = []
    for number, layer in enumerate(net[::2]):
        conv = nn.Conv2d(inputs, layer.out_features, *((1,) if number else (size, stride, padding)))
        conv.weight.data = layer.weight.data.view_as(conv.weight).clone()
        conv.bias.data = layer.bias.data.clone()
        steps += [conv, nn.ReLU()]
        inputs = layer.out_features
    return nn.Sequential(*steps[:-1])
""",
        "rows-and-channels-exchanged": """
def slide(net, inputs, size, stride=1, padding=0):
    steps = []
    for number, layer in enumerate(net[::2]):
        conv = nn.Conv2d(inputs, layer.out_features, *((1,) if number else (size, stride, padding)))
        k = 1 if number else size
        weight = layer.weight.data.reshape(-1, k, k, inputs).permute(0, 3, 1, 2)
        conv.weight.data = weight.clone()
        conv.bias.data = layer.bias.data.clone()
        steps += [conv, nn.ReLU()]
        inputs = layer.out_features
    return nn.Sequential(*steps)
""",
        "padding-in-every-layer": """
def slide(net, inputs, size, stride=1, padding=0):
    steps = []
    for number, layer in enumerate(net[::2]):
        k, s = (1, 1) if number else (size, stride)
        conv = nn.Conv2d(inputs, layer.out_features, k, s, padding)
        conv.weight.data = layer.weight.data.reshape(conv.weight.shape).clone()
        conv.bias.data = layer.bias.data.clone()
        steps += [conv, nn.ReLU()]
        inputs = layer.out_features
    return nn.Sequential(*steps)
""",
        "new-weights": """
def slide(net, inputs, size, stride=1, padding=0):
    a, b, c = (net[i].out_features for i in (0, 2, 4))
    return nn.Sequential(
        nn.Conv2d(inputs, a, size, stride, padding), nn.ReLU(),
        nn.Conv2d(a, b, 1), nn.ReLU(), nn.Conv2d(b, c, 1), nn.ReLU())
""",
    },
    "task-4": {
        "relu-once-at-the-end": changed(
            INCEPTION,
            ("torch.relu(next(convs)(z))", "next(convs)(z)"),
            ("torch.cat(results, 1)", "torch.cat(results, 1).relu()"),
        )
        + DENSE,
        "padding-of-the-height": changed(INCEPTION, ("tuple(n // 2 for n in k)", "k[0] // 2"))
        + DENSE,
        "bottlenecks-counted": changed(
            INCEPTION,
            ("            self.outputs += held\n", ""),
            (
                "                    held = c\n",
                "                    held = c\n                    self.outputs += c\n",
            ),
        )
        + DENSE,
        "new-maps-in-front": INCEPTION
        + changed(DENSE, ("return torch.cat(maps, dim=1)", "return torch.cat(maps[::-1], dim=1)")),
        "sees-only-the-newest": INCEPTION
        + """

class DenseBlock(nn.Module):
    def __init__(self, inputs, layers, growth, bottleneck=None):
        super().__init__()
        self.outputs, self.layers = inputs + layers * growth, nn.ModuleList()
        for number in range(layers):
            c, row = growth if number else inputs, []
            if bottleneck:
                row = [nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, bottleneck, 1, bias=False)]
                c = bottleneck
            row += [nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, growth, 3, padding=1, bias=False)]
            self.layers.append(nn.Sequential(*row))

    def forward(self, x):
        maps = [x]
        for layer in self.layers:
            maps.append(layer(maps[-1]))
        return torch.cat(maps, dim=1)
""",
    },
    "task-5": {
        "relu-before-the-sum": changed(
            RESIDUAL,
            ("out = self.bn2(self.conv2(out))", "out = torch.relu(self.bn2(self.conv2(out)))"),
        )
        + RESNET,
        "sum-in-place": changed(
            RESIDUAL,
            (
                "out += x if self.downsample is None else self.downsample(x)\n"
                "        return torch.relu_(out)",
                "x = x.detach() if self.downsample is None else self.downsample(x)\n"
                "        x += out\n        return torch.relu_(x)",
            ),
        )
        + RESNET,
        "shortcut-only-for-new-channels": changed(
            RESIDUAL,
            ("if stride != 1 or inputs != outputs:", "if inputs != outputs:"),
            (
                "x if self.downsample is None",
                "x[..., ::self.conv1.stride[0], ::self.conv1.stride[0]] if self.downsample is None",
            ),
        )
        + RESNET,
        "first-module-halves-too": RESIDUAL + changed(RESNET, ("1 if number == 0 else 2", "2")),
        "stride-in-every-block": RESIDUAL
        + changed(
            RESNET, ("Residual(after, after) for", "Residual(after, after, min(2, 1 + number)) for")
        ),
    },
    "task-6": {
        "relu-still-before-the-sum": changed(
            BLOCK,
            (
                "(self.norms[1](self.conv2(y)) + self.shortcut(x))",
                "(self.norms[1](self.conv2(y)).relu() + self.shortcut(x))",
            ),
        )
        + LEARN,
        "averages-instead-of-a-stride": changed(
            BLOCK,
            ("inputs, outputs, 1, stride, bias", "inputs, outputs, 1, bias"),
            ("+ self.shortcut(x)", "+ F.adaptive_avg_pool2d(self.shortcut(x), y.shape[2:])"),
        )
        + LEARN,
        "still-one-norm": changed(
            BLOCK, ("range(2)", "range(1)"), ("self.norms[1]", "self.norms[0]")
        )
        + LEARN,
        "evaluation-mode-for-ever": BLOCK
        + changed(
            LEARN,
            ("        model.train()\n", ""),
            ("    found = []\n", "    found = []\n    model.train()\n"),
        ),
        "mean-of-the-batches": BLOCK
        + changed(
            LEARN,
            (
                "right += int((model(x).max(dim=1).indices == y).sum())",
                "right += (model(x).argmax(1) == y).float().mean().item()",
            ),
            ("total += y.numel()", "total += 1"),
        ),
    },
    "task-7": {
        "flops-instead-of-multiply-adds": changed(COST, ("cost = {", "half = {"))
        + "cost = {name: (p, 2 * m) for name, (p, m) in half.items()}\n"
        + RATIO
        + STATEMENTS,
        "gradients-vanish": COST
        + """ratio = {"plain-8": 0.394, "plain-20": 0.0675, "ResNet-8": 0.377, "ResNet-20": 0.162}
"""
        + changed(STATEMENTS, ('"vanishing": False', '"vanishing": True')),
        "one-seed": COST
        + """
def one(name, seed=0):
    model, kept = network(name, seed), []
    for step in (model[0], model[-4]):
        step.register_forward_hook(lambda layer, inputs, output: kept.append(output))
    first, last = torch.autograd.grad(F.cross_entropy(model(X[:64]), Y[:64]), kept)
    return (first.norm() / last.norm()).item()


ratio = {name: one(name) for name in ("plain-8", "plain-20", "ResNet-8", "ResNet-20")}
"""
        + STATEMENTS,
        "degradation-is-overfitting": COST
        + RATIO
        + changed(STATEMENTS, ('"overfitting": False', '"overfitting": True')),
        "the-papers-depth-pays": COST
        + RATIO
        + changed(STATEMENTS, ('"depth_pays": False', '"depth_pays": True')),
    },
}
