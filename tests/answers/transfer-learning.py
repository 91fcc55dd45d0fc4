"""Answers to the assignment on transfer learning: correct ones, and wrong ones by misconception."""

from classroom import changed

# Full answers to be changed; those in the dictionaries are in other styles.
HEAD = """
def with_head(net, name, classes):
    net = copy.deepcopy(net)
    parts = dict(net.named_modules())
    old = parts.get(name)
    if isinstance(old, nn.Linear):
        new = nn.Linear(old.in_features, classes)
    elif isinstance(old, nn.Conv2d):
        new = nn.Conv2d(old.in_channels, classes, 1)
    else:
        raise ValueError(name)
    parent, _, last = name.rpartition(".")
    setattr(parts[parent], last, new.to(old.weight.dtype))
    return net
"""

FEATURES = """
def features(net, name, x, size=64):
    modes = {part: part.training for part in net.modules()}
    seen = []
    hook = net.get_submodule(name).register_forward_pre_hook(lambda _, i: seen.append(i[0]))
    net.eval()
    with torch.no_grad():
        for part in x.split(size):
            net(part)
    hook.remove()
    for part, mode in modes.items():
        part.training = mode
    return torch.cat(seen)
"""

CLASSES = """

def linear_classes(net, name, x, y, x_new):
    machine = make_pipeline(StandardScaler(), LinearSVC(C=0.01))
    machine.fit(features(net, name, x), y)
    return torch.from_numpy(machine.predict(features(net, name, x_new)))
"""

COUNT = """
def pictures_through(body, run):
    counted = []
    hook = body.register_forward_hook(lambda m, i, o: counted.append(len(i[0])))
    try:
        run()
    finally:
        hook.remove()
    return sum(counted)
"""

TRAIN = """

def train_head(body, head, x, y, epochs, size, rate, generator):
    body.eval()
    with torch.no_grad():
        z = torch.cat([body(part) for part in x.split(size)])
    head.train()
    optimizer = torch.optim.SGD(head.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(epochs):
        for i in torch.randperm(len(x), generator=generator).split(size):
            loss = F.cross_entropy(head(z[i]), y[i])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses
"""

ANY_SIZE = """
def any_size(net, channels, height, width):
    at = next(i for i, layer in enumerate(net) if isinstance(layer, nn.Flatten))
    layers = list(net)
    maps = copy.deepcopy(net[:at]).eval()(torch.zeros(2, channels, height, width))
    pool = nn.AdaptiveAvgPool2d(maps.shape[-2:])
    return nn.Sequential(*layers[:at], pool, *layers[at:])
"""

GROUPS = """
def layer_groups(net, parts, rate, factor, decay):
    groups, done = [], set()
    for k, part in enumerate(parts):
        for name, p in net.get_submodule(part).named_parameters():
            if p.requires_grad and p not in done:
                done.add(p)
                groups.append({"params": [p], "lr": rate * factor ** (len(parts) - 1 - k),
                               "weight_decay": 0.0 if p.ndim < 2 else decay})
    for name, p in net.named_parameters():
        if p.requires_grad and p not in done:
            raise ValueError(name)
    return groups
"""

THAW = """
def thaw(model, plan, batches, rate, decay):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=decay)
    losses = []
    for trained in plan:
        frozen = model[: len(model) - trained]
        model.train()
        frozen.eval()
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            for p in frozen.parameters():
                p.grad = None
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    return losses
"""

# Task 7 in another style; the answers differ in how they start and in what they conclude.
MEASURE = """
def run(target, labels, way, seed, body=source[0]):
    x, y = stripes(ANGLES[target], labels, 10 + seed)
    if way == "scratch":
        net, rates, steps = network(5, seed), (0.02, 0.02), 40
    else:
        torch.manual_seed(seed)
        net, steps = nn.Sequential(copy.deepcopy(body), nn.Linear(32, 5)), 20
        rates = {"frozen": (0.0, 0.02), "tuned": (0.002, 0.02), "full": (0.02, 0.02)}[way]
    groups = [{"params": part.parameters(), "lr": rate}
              for part, rate in zip(net, rates) if rate > 0]
    fit(net, x, y, groups, steps)
    return accuracy(net, *stripes(ANGLES[target], 100, 5))


WAYS = ("scratch", "frozen", "tuned", "full")
accuracies = {
    target: {labels: {way: sum(run(target, labels, way, seed) for seed in range(2)) / 2
                      for way in WAYS} for labels in (2, 10)}
    for target in ("near", "far")
}
"""

STATEMENTS = """
statements = {"near": True, "always": False, "more": False, "gentle": True, "far": True,
              "any": False}
"""

CORRECT = {
    "task-1": {
        "get-and-set-submodule": """
def with_head(net, name, classes):
    new = copy.deepcopy(net)
    try:
        old = new.get_submodule(name)
    except AttributeError:
        raise ValueError(f"no {name}") from None
    if not isinstance(old, (nn.Linear, nn.Conv2d)):
        raise ValueError(f"{name} is a {type(old).__name__}")
    shape, kind = old.weight.shape, old.weight.dtype
    if len(shape) == 2:
        head = nn.Linear(shape[1], classes, dtype=kind)
    else:
        head = nn.Conv2d(shape[1], classes, kernel_size=(1, 1), dtype=kind)
    new.set_submodule(name, head)
    return new
""",
        "walk": """
def with_head(net, name, classes):
    if name not in dict(net.named_modules()):
        raise ValueError(f"the network has no {name}")
    net = copy.deepcopy(net)
    *path, last = name.split(".")
    parent = net
    for step in path:
        parent = parent._modules[step]
    old = parent._modules[last]
    if isinstance(old, nn.Linear):
        parent._modules[last] = nn.Linear(old.in_features, classes).to(old.weight)
    elif isinstance(old, nn.Conv2d):
        parent._modules[last] = nn.Conv2d(old.in_channels, classes, old.kernel_size).to(old.weight)
    else:
        raise ValueError("this is no head")
    return net
""",
    },
    "task-2": {
        "identity-in-a-copy": """
def features(net, name, x, size=64):
    twin = copy.deepcopy(net).eval()
    parent, _, last = name.rpartition(".")
    setattr(twin.get_submodule(parent), last, nn.Identity())
    with torch.inference_mode():
        parts = [twin(x[i : i + size]) for i in range(0, len(x), size)]
    return torch.cat(parts)


def linear_classes(net, name, x, y, x_new):
    z, z_new = features(net, name, x), features(net, name, x_new)
    std = z.std(dim=0)
    std[std == 0] = 1
    scaled, scaled_new = ((part - z.mean(dim=0)) / std for part in (z, z_new))
    machine = LinearSVC(C=0.1).fit(scaled.numpy(), y.numpy())
    return torch.tensor(machine.predict(scaled_new.numpy()))
""",
        "least-squares": """
def features(net, name, x, size=64):
    twin, kept = copy.deepcopy(net).eval().requires_grad_(False), []
    twin.get_submodule(name).register_forward_hook(lambda layer, inputs, _: kept.append(inputs[0]))
    for part in torch.split(x, size):
        twin(part)
    return torch.cat(kept, dim=0)


def linear_classes(net, name, x, y, x_new):
    old, new = (features(net, name, part).double() for part in (x, x_new))
    mean, std = old.mean(0), old.std(0).clamp(min=1e-9)
    def rows(z):
        return torch.cat(((z - mean) / std, torch.ones(len(z), 1)), dim=1)
    A, names = rows(old), y.unique()
    targets = (y[:, None] == names).double()
    W = torch.linalg.solve(A.T @ A + 0.1 * torch.eye(A.shape[1]), A.T @ targets)
    return names[(rows(new) @ W).argmax(dim=1)]
""",
        "new-last-layer": """
def features(net, name, x, size=64):
    modes = [(part, part.training) for part in net.modules()]
    seen = []
    hook = net.get_submodule(name).register_forward_pre_hook(
        lambda layer, inputs: seen.append(inputs[0].detach())
    )
    net.eval()
    try:
        for part in x.split(size):
            net(part)
    finally:
        hook.remove()
        for part, mode in modes:
            part.train(mode) if not [*part.children()] else setattr(part, "training", mode)
    return torch.cat(seen)


def linear_classes(net, name, x, y, x_new):
    scaler = StandardScaler().fit(features(net, name, x))
    z, z_new = (torch.tensor(scaler.transform(features(net, name, p)), dtype=torch.float32)
                for p in (x, x_new))
    names = y.unique()
    head = nn.Linear(z.shape[1], len(names))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.03)
    for _ in range(150):
        optimizer.zero_grad()
        F.cross_entropy(head(z), torch.searchsorted(names, y)).backward()
        optimizer.step()
    return names[head(z_new).argmax(1)]
""",
    },
    "task-3": {
        "pre-hook-and-dataset": """
def pictures_through(body, run):
    total = 0

    def count(module, inputs):
        nonlocal total
        total += inputs[0].shape[0]

    handle = body.register_forward_pre_hook(count)
    try:
        run()
        return total
    finally:
        handle.remove()


@torch.no_grad()
def table(body, x, size):
    return torch.cat([body(x[i : i + size]) for i in range(0, len(x), size)])


def train_head(body, head, x, y, epochs, size, rate, generator):
    z = table(body.eval(), x, size)
    adam = torch.optim.SGD(head.train().parameters(), rate, 0.9)
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        for i in range(0, len(x), size):
            rows = order[i : i + size]
            loss = nn.functional.nll_loss(head(z[rows]).log_softmax(-1), y[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(float(loss.detach()))
    return losses
""",
        "with-block": """
def pictures_through(body, run):
    sizes = []
    with body.register_forward_hook(lambda *call: sizes.append(call[1][0].size(0))):
        run()
    return sum(sizes)


def train_head(body, head, x, y, epochs, size, rate, generator):
    body.requires_grad_(False)
    z = torch.vstack([body.eval()(part) for part in x.split(size)])
    optimizer = torch.optim.SGD(head.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(epochs):
        head.train()
        for rows in torch.randperm(len(y), generator=generator).split(size):
            loss = F.cross_entropy(head(z[rows]), y[rows])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    return losses
""",
    },
    "task-4": {
        "own-eval-and-back": """
def any_size(net, channels, height, width):
    index = [type(layer) for layer in net].index(nn.Flatten)
    x, modes = torch.zeros(1, channels, height, width), []
    for layer in net[:index]:
        modes = [(part, part.training) for part in layer.modules()]
        with torch.no_grad():
            x = layer.eval()(x)
        for part, mode in modes:
            part.training = mode
    free = nn.Sequential(*net)
    free.insert(index, nn.AdaptiveAvgPool2d((x.size(2), x.size(3))))
    return free
""",
        "meta": """
def any_size(net, channels, height, width):
    result = []
    for layer in net:
        if isinstance(layer, nn.Flatten):
            front = copy.deepcopy(nn.Sequential(*result)).to("meta")
            maps = front(torch.empty(2, channels, height, width, device="meta"))
            result += [nn.AdaptiveAvgPool2d(maps.shape[2:])]
        result += [layer]
    return nn.Sequential(*result)
""",
    },
    "task-5": {
        "one-group-for-each-parameter": """
def layer_groups(net, parts, rate, factor, decay):
    place = {}
    for k, part in enumerate(parts):
        for p in net.get_submodule(part).parameters():
            place.setdefault(p, k)
    groups = []
    for name, p in net.named_parameters():
        if not p.requires_grad:
            continue
        if p not in place:
            raise ValueError(f"{name} is forgotten")
        power = len(parts) - 1 - place[p]
        groups.append({"params": [p], "lr": rate * factor**power,
                       "weight_decay": decay * (p.dim() > 1)})
    return groups
""",
        "names": """
def layer_groups(net, parts, rate, factor, decay):
    every = list(net.named_parameters(remove_duplicate=False))
    groups, done, left = {}, set(), {}
    for k, part in enumerate(parts):
        for name, p in every:
            if not name.startswith(part + ".") or id(p) in done or not p.requires_grad:
                continue
            done.add(id(p))
            key = (rate * factor ** (len(parts) - k - 1), 0.0 if len(p.shape) <= 1 else decay)
            groups.setdefault(key, []).append(p)
    for name, p in every:
        if p.requires_grad and id(p) not in done:
            raise ValueError("no part has " + name)
    return [{"params": ps, "lr": lr, "weight_decay": wd} for (lr, wd), ps in groups.items()]
""",
    },
    "task-6": {
        "requires-grad": """
def thaw(model, plan, batches, rate, decay):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=decay)
    losses = []
    for trained in plan:
        for k, part in enumerate(model):
            free = k >= len(model) - trained
            part.train(free).requires_grad_(free)
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    return losses
""",
        "one-optimizer-for-each-part": """
def thaw(model, plan, batches, rate, decay):
    optimizers = [torch.optim.SGD(part.parameters(), lr=rate, momentum=0.9, weight_decay=decay)
                  for part in model]
    losses = []
    for trained in plan:
        model.eval()
        first = len(model) - trained
        for part in model[first:]:
            part.train()
        for x, y in batches:
            with torch.no_grad():
                z = model[:first](x)
            loss = F.cross_entropy(model[first:](z), y)
            model.zero_grad()
            loss.backward()
            for optimizer in optimizers[first:]:
                optimizer.step()
            losses.append(loss.item())
    model.eval()
    return losses
""",
    },
    "task-7": {
        "rate-zero-is-left-out": MEASURE
        + """
bodies = [network(5, 100 + seed)[0] for seed in range(2)]
chance = sum(run("near", 10, "frozen", s, body) for s, body in enumerate(bodies)) / 2
near, far = accuracies["near"], accuracies["far"]
gain = {k: near[k]["frozen"] - near[k]["scratch"] for k in (2, 10)}
statements = {
    "near": gain[2] > 0.2,
    "always": all(v["frozen"] > v["scratch"] for t in (near, far) for v in t.values()),
    "more": gain[10] > gain[2],
    "gentle": near[2]["tuned"] > near[2]["full"] + 0.03,
    "far": far[10]["full"] > far[10]["tuned"] + 0.03,
    "any": chance >= 0.8,
}
""",
        "requires-grad": """
accuracies = {t: {k: {} for k in (2, 10)} for t in ("near", "far")}
for t in accuracies:
    x_test, y_test = stripes(ANGLES[t], 100, 5)
    for k in (2, 10):
        found = {way: [] for way in ("scratch", "frozen", "tuned", "full")}
        for seed in (0, 1):
            x, y = stripes(ANGLES[t], k, 10 + seed)
            for way in found:
                if way == "scratch":
                    net = network(5, seed)
                else:
                    net = copy.deepcopy(source)
                    torch.manual_seed(seed)
                    net[1] = nn.Linear(32, 5)
                    net[0].requires_grad_(way != "frozen")
                body = 0.002 if way == "tuned" else 0.02
                fit(net, x, y, [{"params": net[0].parameters(), "lr": body},
                                {"params": net[1].parameters(), "lr": 0.02}],
                    40 if way == "scratch" else 20)
                found[way].append(accuracy(net, x_test, y_test))
        accuracies[t][k] = {way: torch.tensor(v).mean().item() for way, v in found.items()}
statements = {"near": True, "always": False, "more": False, "gentle": True, "far": True,
              "any": False}
""",
    },
}

WRONG = {
    "task-1": {
        "the-network-itself": changed(HEAD, ("    net = copy.deepcopy(net)\n", "")),
        "an-attribute-with-a-dot": changed(
            HEAD,
            ("setattr(parts[parent], last, ", "net._modules.update({name: "),
            ("dtype))", "dtype)})"),
        ),
        "old-rows-kept": """
def with_head(net, name, classes):
    net = copy.deepcopy(net)
    old = dict(net.named_modules()).get(name)
    if not isinstance(old, (nn.Linear, nn.Conv2d)):
        raise ValueError(name)
    count = -(-classes // len(old.weight))
    old.weight = nn.Parameter(torch.cat([old.weight.detach()] * count)[:classes].clone())
    old.bias = nn.Parameter(torch.zeros(classes, dtype=old.weight.dtype))
    return net
""",
        "body-frozen-on-the-way": changed(
            HEAD, ("copy.deepcopy(net)", "copy.deepcopy(net).requires_grad_(False)")
        ),
        "only-linear-layers": changed(HEAD, ("isinstance(old, nn.Conv2d)", "False")),
    },
    "task-2": {
        "training-mode": changed(FEATURES, ("    net.eval()\n", "")) + CLASSES,
        "left-in-eval-with-a-hook": changed(
            FEATURES, ("    hook.remove()\n", ""), ("        part.training = mode", "        pass")
        )
        + CLASSES,
        "mode-of-the-whole-for-all-layers": changed(
            FEATURES, ("part.training = mode", "part.training = modes[net]")
        )
        + CLASSES,
        "new-pictures-in-units-of-their-own": FEATURES
        + """

def linear_classes(net, name, x, y, x_new):
    z, z_new = (StandardScaler().fit_transform(features(net, name, p)) for p in (x, x_new))
    return torch.from_numpy(LinearSVC(C=0.01).fit(z, y).predict(z_new))
""",
        "labels-from-zero": FEATURES
        + changed(
            CLASSES,
            ("    machine.fit", "    y = y.unique(return_inverse=True)[1]\n    machine.fit"),
        ),
    },
    "task-3": {
        "body-in-every-epoch": COUNT
        + changed(
            TRAIN,
            ("        z = torch.cat([body(part) for part in x.split(size)])", "        pass"),
            ("head(z[i])", "head(body(x[i]).detach())"),
        ),
        "body-in-training-mode": COUNT + changed(TRAIN, ("    body.eval()\n", "")),
        "labels-not-shuffled": COUNT
        + changed(
            TRAIN,
            (
                "for i in torch.randperm(len(x), generator=generator).split(size):",
                "z = z[torch.randperm(len(x), generator=generator)]\n"
                "        for i in torch.arange(len(x)).split(size):",
            ),
        ),
        "a-graph-for-the-body": COUNT
        + changed(
            TRAIN,
            ("    with torch.no_grad():\n        z", "    z"),
            ("x.split(size)])", "x.split(size)]).detach()"),
        ),
        "hook-stays-after-an-error": changed(
            COUNT,
            ("    try:\n        run()\n    finally:\n        hook", "    run()\n    hook"),
        )
        + TRAIN,
    },
    "task-4": {
        "windows-of-the-example": changed(ANY_SIZE, ("maps.shape[-2:]", "(7, 5)")),
        "statistics-moved": changed(ANY_SIZE, ("copy.deepcopy(net[:at]).eval()", "net[:at]")),
        "left-in-eval": changed(ANY_SIZE, ("copy.deepcopy(net[:at])", "net[:at]")),
        "largest-instead-of-mean": changed(ANY_SIZE, ("AdaptiveAvg", "AdaptiveMax")),
        "resized-pictures": """
def any_size(net, channels, height, width):
    at = next(i for i, layer in enumerate(net) if isinstance(layer, nn.Flatten))
    layers = list(net)

    class Resize(nn.Module):
        def forward(self, maps):
            return F.interpolate(maps, size)

    size = copy.deepcopy(net[:at]).eval()(torch.zeros(1, channels, height, width)).shape[-2:]
    return nn.Sequential(*layers[:at], Resize(), *layers[at:])
""",
    },
    "task-5": {
        "prefix-without-a-dot": """
def layer_groups(net, parts, rate, factor, decay):
    groups, done = [], set()
    for k, part in enumerate(reversed(parts)):
        for name, p in net.named_parameters():
            if name.startswith(part) and p.requires_grad and name not in done:
                done.add(name)
                groups.append({"params": [p], "lr": rate * factor**k,
                               "weight_decay": decay if p.ndim > 1 else 0.0})
    for name, p in net.named_parameters():
        if p.requires_grad and name not in done:
            raise ValueError(name)
    return groups
""",
        "decay-by-the-word-bias": changed(GROUPS, ("p.ndim < 2", 'name.endswith("bias")')),
        "order-turned-round": changed(GROUPS, ("(len(parts) - 1 - k)", "k")),
        "forgets-and-repeats": changed(
            GROUPS,
            (
                "            if p.requires_grad and p not in done:",
                "            if p.requires_grad:",
            ),
            ("raise ValueError(name)", "break"),
        ),
        "shared-with-the-last": changed(
            GROUPS,
            ("enumerate(parts)", "enumerate(reversed(parts))"),
            ("(len(parts) - 1 - k)", "k"),
        ),
    },
    "task-6": {
        "unchanged": """
thaw = thaw_buggy
""",
        "no-decay-any-more": changed(
            THAW, (", weight_decay=decay", ""), ("p.grad = None", "p.grad.zero_()")
        ),
        "momentum-lost-in-each-epoch": changed(
            THAW,
            (
                "        frozen = ",
                "        free = model[len(model) - trained :]\n"
                "        optimizer = torch.optim.SGD(free.parameters(), lr=rate, momentum=0.9,\n"
                "                                    weight_decay=decay)\n        frozen = ",
            ),
        ),
        "optimizer-knows-the-first-epoch-only": """
def thaw(model, plan, batches, rate, decay):
    losses = []
    model.requires_grad_(False)
    if plan:
        model[len(model) - plan[0] :].requires_grad_(True)
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.SGD(trained, lr=rate, momentum=0.9, weight_decay=decay)
    for count in plan:
        model.train().requires_grad_(True)
        model[: len(model) - count].eval().requires_grad_(False)
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    return losses
""",
        "frozen-parts-in-training-mode": changed(THAW, ("        frozen.eval()\n", "")),
    },
    "task-7": {
        "the-body-is-not-copied": changed(MEASURE, ("copy.deepcopy(body)", "body")) + STATEMENTS,
        "accuracy-on-the-training-pictures": changed(
            MEASURE, ("accuracy(net, *stripes(ANGLES[target], 100, 5))", "accuracy(net, x, y)")
        )
        + STATEMENTS,
        "pretraining-always-helps": MEASURE
        + changed(STATEMENTS, ('"always": False', '"always": True')),
        "a-tenth-is-always-best": MEASURE + changed(STATEMENTS, ('"far": True', '"far": False')),
        "guessed": """
accuracies = {t: {k: {"scratch": 0.5, "frozen": 0.9, "tuned": 0.9, "full": 0.8} for k in (2, 10)}
              for t in ("near", "far")}
statements = {"near": True, "always": True, "more": True, "gentle": True, "far": True,
              "any": True}
""",
    },
}
