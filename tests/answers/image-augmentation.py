"""Answers to the assignment on image augmentation: correct ones, and wrong ones by mistake."""

from classroom import changed

# Task 1, as the chapter writes it: a checksum decides which file stays.
FIND = """
def find_samples(folder):
    first, classes = {}, {}
    for label, name in enumerate(sorted(p.name for p in folder.iterdir() if p.is_dir())):
        for path in sorted((folder / name).glob("*")):
            if path.suffix.lower() not in {".jpg", ".jpeg", ".png"} or problem(path):
                continue
            key = hashlib.md5(path.read_bytes()).digest()
            first.setdefault(key, (path, label))
            classes.setdefault(key, set()).add(label)
    return sorted(pair for key, pair in first.items() if len(classes[key]) == 1)


def problem(path):
    try:
        with Image.open(path) as picture:
            picture.verify()
        with Image.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError) as error:
        return type(error).__name__
"""
SPLIT = """

def split(samples, seed):
    order = list(range(len(samples)))
    random.Random(seed).shuffle(order)
    cut = int(0.8 * len(samples))
    return [samples[i] for i in order[:cut]], [samples[i] for i in order[cut:]]
"""

# Task 2, with functions; the wrong answers change one line.
NETWORK = """
class CatDog(nn.Module):
    def __init__(self, widths=(16, 32, 64, 128), channels=3):
        super().__init__()
        sizes = [channels, *widths]
        self.blocks = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in zip(sizes, sizes[1:])
        )
        self.last = nn.Conv2d(sizes[-1], 1, 1)

    def scores(self, x):
        for block in self.blocks:
            x = F.max_pool2d(torch.relu(block(x)), 2)
        return self.last(x).squeeze(1)

    def forward(self, x):
        return self.scores(x).flatten(1).mean(1)
"""

STEP = """
def step(network, optimizer, images, labels):
    network.train()
    optimizer.zero_grad()
    loss = nn.BCEWithLogitsLoss()(network(images), labels.to(torch.float32))
    loss.backward()
    optimizer.step()
    return loss.item()
"""
ACCURACY = """

def accuracy(network, images, labels, batch):
    before, right = network.training, 0
    network.eval()
    with torch.no_grad():
        for start in range(0, len(images), batch):
            z = network(images[start : start + batch])
            right += ((z > 0) == (labels[start : start + batch] == 1)).sum().item()
    network.train(before)
    return right / len(images)
"""

RANGES = """
def ranges(brightness, contrast, saturation, hue):
    if hue > 0.5:
        raise ValueError("the hue is above 0.5")
    result = {"hue": (-hue, hue)}
    settings = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for name, x in settings.items():
        result[name] = (max(0, 1 - x), 1 + x)
    if any(x < 0 for x in (brightness, contrast, saturation, hue)):
        raise ValueError("a setting is negative")
    return result
"""
ADJUST = """

def adjust(image, name, f):
    r, g, b = image
    gray = 0.299 * r + 0.587 * g + 0.114 * b  # (height, width)
    if name == "brightness":
        changed = f * image
    elif name == "contrast":
        changed = f * image + (1 - f) * gray.mean()
    else:
        changed = f * image + (1 - f) * gray
    return changed.clamp(0, 1)
"""
JITTER = """

def jitter(image, settings, generator):
    factors = {}
    for name in settings:
        low, high = max(0, 1 - settings[name]), 1 + settings[name]
        f = torch.empty(1).uniform_(low, high, generator=generator).item()
        image, factors[name] = adjust(image, name, f), f
    return image, factors
"""

# Task 5, as the chapter writes it, for a batch.
CUTOUT = """
def cutout(images, count, side, fill, generator):
    images = images.clone()
    height, width = images.shape[-2:]
    for image in images:
        for _ in range(count):
            row = torch.randint(0, height, (1,), generator=generator).item()
            column = torch.randint(0, width, (1,), generator=generator).item()
            top, left = row - side // 2, column - side // 2
            bottom, right = top + side, left + side
            image[:, max(top, 0) : bottom, max(left, 0) : right] = fill[:, None, None]
    return images
"""

# Task 6; the wrong answers change one line.
PREPARE = """
def prepare(photos, labels, large, size, seed):
    numbers = list(range(len(photos)))
    random.Random(seed).shuffle(numbers)
    cut = int(0.8 * len(photos))
    training = v2.Compose([
        v2.Resize((large, large)),
        v2.RandomCrop(size),
        v2.RandomHorizontalFlip(),
        v2.ColorJitter(0.5, 0.3, 0.4, 0.1),
        v2.RandomRotation(15),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ])
    validation = v2.Compose([v2.Resize((size, size)), normalize])
    a, b = numbers[:cut], numbers[cut:]
    return (
        Photos([photos[i] for i in a], [labels[i] for i in a], training),
        Photos([photos[i] for i in b], [labels[i] for i in b], validation),
    )
"""

# Task 7: the measurement; the answers differ in what they make of it.
MEASURE = """
def one_seed(seed):
    X, y = photographs(300, seed)
    a, b = parts_of(300, 0.2, seed)
    result = {"clean": nearest(X[a], y[a], X[b], y[b])}
    fives = noisy(X, 4, seed).transpose(0, 1)  # (photograph, copy, …)
    five_labels = y[:, None].expand(-1, 5)
    train, train_labels = fives[a].flatten(0, 1), five_labels[a].flatten()
    result["late"] = nearest(train, train_labels, X[b], y[b])
    pairs = noisy(X, 1, seed).transpose(0, 1), torch.stack((X, X.flip(-1)), dim=1)
    for name, heap in (("leak", fives), ("one", pairs[0]), ("mirror", pairs[1])):
        heap_labels = y[:, None].expand(-1, heap.shape[1]).flatten()
        heap = heap.flatten(0, 1)
        a, b = parts_of(len(heap), 0.2, seed)
        result[name] = nearest(heap[a], heap_labels[a], heap[b], heap_labels[b])
    return result


runs = [one_seed(seed) for seed in range(10)]
accuracies = {name: np.mean([run[name] for run in runs]) for name in runs[0]}
"""
PREDICT = """

def predict(copies, share):
    return 1 - 0.5 * share**copies
"""
STATEMENTS = """
statements = {"coin": True, "single": True, "half": True, "checksum": False, "mirror": False}
"""


CORRECT = {
    "task-1": {
        "as-in-the-chapter": FIND + SPLIT,
        "counts-the-copies": """
def find_samples(folder):
    names = sorted(entry.name for entry in folder.glob("*/"))
    found, contents = [], []
    for path in folder.glob("*/*"):
        if path.name.lower().endswith((".jpg", ".jpeg", ".png")):
            try:
                np.array(Image.open(path).convert("RGB"))
            except Exception:
                continue
            found.append((path, names.index(path.parent.name)))
    found.sort()
    contents = [(path.read_bytes(), label) for path, label in found]
    result = []
    for i, (content, label) in enumerate(contents):
        mixed = any(c == content and other != label for c, other in contents)
        if not mixed and contents.index((content, label)) == i:
            result.append(found[i])
    return result


def split(samples, seed):
    samples = samples.copy()
    random.Random(seed).shuffle(samples)
    return samples[: len(samples) * 4 // 5], samples[len(samples) * 4 // 5 :]
""",
    },
    "task-2": {
        "functions": NETWORK,
        "sequential": """
class CatDog(nn.Module):
    def __init__(self, widths=(16, 32, 64, 128), channels=3):
        super().__init__()
        self.body = nn.Sequential()
        for i, width in enumerate(widths):
            self.body.add_module(f"conv{i}", nn.Conv2d(channels, width, 3, padding="same"))
            self.body.add_module(f"pool{i}", nn.MaxPool2d(2, 2))
            self.body.add_module(f"relu{i}", nn.ReLU())  # ReLU and maximum may change places
            channels = width
        self.head = nn.Conv2d(channels, 1, kernel_size=1)
        self.average = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(0))

    def scores(self, x):
        n, _, height, width = self.body(x).shape
        return self.head(self.body(x)).view(n, height, width)

    def forward(self, x):
        return self.average(self.head(self.body(x)))
""",
    },
    "task-3": {
        "loop": STEP + ACCURACY,
        "mode-restored": changed(
            STEP,
            ("    network.train()\n", "    before = network.training\n    network.train()\n"),
            ("    return loss", "    network.train(before)\n    return loss"),
        )
        + ACCURACY,
        "by-hand": """
def step(network, optimizer, images, labels):
    z = network.train()(images)
    loss = (F.softplus(z) - labels * z).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


@torch.no_grad()
def accuracy(network, images, labels, batch):
    mode = network.training
    parts = zip(images.split(batch), labels.split(batch))
    hits = torch.cat([network.eval()(x).gt(0).long() == y.long() for x, y in parts])
    network.train(mode)
    return hits.double().mean().item()
""",
    },
    "task-4": {
        "branches": RANGES + ADJUST + JITTER,
        "blend": """
def ranges(brightness, contrast, saturation, hue):
    settings = dict(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
    assert_valid(settings)
    pairs = {}
    for name, x in settings.items():
        center = 0.0 if name == "hue" else 1.0
        pairs[name] = [center - x if name == "hue" else max(center - x, 0.0), center + x]
    return pairs


def assert_valid(settings):
    for name, x in settings.items():
        if not 0 <= x <= (0.5 if name == "hue" else float("inf")):
            raise ValueError(f"{name} cannot be {x}")


def adjust(image, name, f):
    weights = image.new_tensor([0.299, 0.587, 0.114])
    gray = torch.einsum("c,chw->hw", weights, image).expand_as(image)
    if name == "contrast":
        gray = gray.mean().expand_as(image)
    if name == "brightness":
        gray = torch.zeros_like(image)
    return torch.lerp(gray, image, f).clip(0, 1)


def jitter(image, settings, generator):
    low = torch.tensor([max(0.0, 1 - x) for x in settings.values()])
    high = torch.tensor([1.0 + x for x in settings.values()])
    drawn = low + (high - low) * torch.rand(len(settings), generator=generator)
    factors = dict(zip(settings, drawn.tolist()))
    for name, f in factors.items():
        image = adjust(image, name, f)
    return image, factors
""",
    },
    "task-5": {
        "as-in-the-chapter": CUTOUT,
        "masks": """
def cutout(images, count, side, fill, generator):
    n, _, height, width = images.shape
    holes = torch.zeros(n, height, width, dtype=torch.bool)
    for _ in range(count):
        inside = []
        for length in (height, width):
            start = torch.randint(length, (n, 1), generator=generator) - side // 2
            at = torch.arange(length)
            inside.append((at >= start) & (at < start + side))
        holes |= inside[0][:, :, None] & inside[1][:, None, :]
    return torch.where(holes[:, None], fill.view(1, -1, 1, 1), images)
""",
    },
    "task-6": {
        "two-transforms": PREPARE,
        "normalized-before-the-rotation": changed(
            PREPARE,
            ("        v2.RandomRotation(15),\n", ""),
            (
                "        v2.Normalize(MEAN, STD),\n",
                "        v2.Normalize(MEAN, STD),\n        v2.RandomRotation(15),\n",
            ),
        ),
        "own-data-set": """
class Mine(Dataset):
    def __init__(self, samples, transform):
        self.samples, self.transform = samples, transform

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        photo, label = self.samples[i]
        return self.transform(photo), label


def prepare(photos, labels, large, size, seed):
    samples = [(photo, label) for photo, label in zip(photos, labels)]
    random.Random(seed).shuffle(samples)
    cut = len(samples) * 4 // 5
    change = v2.Compose([
        v2.ToDtype(torch.float32, scale=True),
        v2.Resize((large, large)),
        v2.RandomCrop((size, size)),
        v2.RandomHorizontalFlip(p=0.5),
        v2.ColorJitter(brightness=0.5, contrast=0.3, saturation=0.4, hue=0.1),
        v2.RandomRotation(15),
        v2.Normalize(MEAN, STD),
    ])

    def plain(photo):
        pixels = F.interpolate(photo[None].float(), (size, size), mode="bilinear", antialias=True)
        return v2.Normalize(MEAN, STD)(pixels[0] / 255)

    return Mine(samples[:cut], change), Mine(samples[cut:], plain)
""",
    },
    "task-7": {
        "one-run-for-each-seed": MEASURE + PREDICT + STATEMENTS,
        "copies-of-the-training-part": """
def mean(measure):
    return sum(measure(seed) for seed in range(10)) / 10


def clean(seed):
    X, y = photographs(300, seed)
    a, b = parts_of(300, 0.2, seed)
    return nearest(X[a], y[a], X[b], y[b])


def late(seed):
    X, y = photographs(300, seed)
    a, b = parts_of(300, 0.2, seed)
    return nearest(noisy(X[a], 4, seed).flatten(0, 1), y[a].repeat(5), X[b], y[b])


def leak(copies, share=0.2):
    def measure(seed):
        X, y = photographs(300, seed)
        heap = noisy(X, copies, seed) if copies else torch.stack((X, X.flip(-1)))
        y = torch.cat([y] * len(heap))
        heap = heap.reshape(-1, 3, 8, 8)
        a, b = parts_of(len(heap), share, seed)
        return nearest(heap[a], y[a], heap[b], y[b])

    return measure


accuracies = {"clean": mean(clean), "late": mean(late), "leak": mean(leak(4)),
              "one": mean(leak(1)), "mirror": mean(leak(0))}


def predict(copies, share):
    alone = 1.0
    for _ in range(copies):
        alone *= share
    return 0.5 * alone + 1.0 * (1 - alone)


statements = {
    "coin": abs(accuracies["clean"] - 0.5) < 0.1 and abs(accuracies["late"] - 0.5) < 0.1,
    "single": accuracies["one"] > 0.85,
    "half": mean(leak(4, 0.5)) > 0.9,
    "checksum": False,
    "mirror": accuracies["mirror"] > 0.6,
}
""",
    },
}

WRONG = {
    "task-1": {
        "only-verify": changed(
            FIND,
            (
                """        with Image.open(path) as picture:
            picture.load()
""",
                "",
            ),
        )
        + SPLIT,
        "keeps-one-of-two-classes": changed(FIND, (" if len(classes[key]) == 1", "")) + SPLIT,
        "classes-from-the-files": changed(
            changed(
                FIND, ("for p in folder.iterdir() if p.is_dir()", 'for p in folder.glob("*/*")')
            ),
            ("sorted(p.name", "sorted({p.parent.name"),
        ).replace('glob("*/*"))', 'glob("*/*")})')
        + SPLIT,
        "catches-one-error": changed(FIND, ("(OSError, SyntaxError)", "OSError")) + SPLIT,
        "global-seed": FIND
        + """

def split(samples, seed):
    random.seed(seed)
    samples = random.sample(samples, len(samples))
    cut = int(0.8 * len(samples))
    return samples[:cut], samples[cut:]
""",
    },
    "task-2": {
        "sigmoid": changed(
            NETWORK,
            (
                "self.scores(x).flatten(1).mean(1)",
                "torch.sigmoid(self.scores(x).flatten(1).mean(1))",
            ),
        ),
        "squeezed-everywhere": changed(
            NETWORK, ("self.last(x).squeeze(1)", "self.last(x).squeeze()")
        ),
        "no-padding": changed(NETWORK, (", padding=1", "")),
        "relu-after-the-scores": changed(
            NETWORK,
            ("return self.last(x).squeeze(1)", "return torch.relu(self.last(x).squeeze(1))"),
        ),
        "dense-layer": """
class CatDog(nn.Module):
    def __init__(self, widths=(16, 32, 64, 128), channels=3):
        super().__init__()
        layers = []
        for width in widths:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        self.body, self.last = nn.Sequential(*layers), nn.Linear(channels * 4, 1)

    def scores(self, x):
        return self.body(x).mean(1)

    def forward(self, x):
        return self.last(self.body(x).flatten(1))[:, 0]
""",
    },  # fmt: skip
    "task-3": {
        "sigmoid-and-probabilities": changed(
            STEP,
            (
                "nn.BCEWithLogitsLoss()(network(images)",
                "nn.BCELoss()(torch.sigmoid(network(images))",
            ),
        )
        + ACCURACY,
        "old-gradients": changed(STEP, ("    optimizer.zero_grad()\n", "")) + ACCURACY,
        "rounded-probability": STEP + changed(ACCURACY, ("(z > 0)", "(torch.sigmoid(z) > 0.5)")),
        "always-back-to-training": STEP
        + changed(ACCURACY, ("network.train(before)", "network.train()")),
        "mean-of-batches": STEP
        + """

def accuracy(network, images, labels, batch):
    mode = network.training
    network.eval()
    with torch.no_grad():
        shares = [((network(x) > 0) == (y > 0.5)).float().mean()
                  for x, y in zip(images.split(batch), labels.split(batch))]
    network.train(mode)
    return torch.stack(shares).mean().item()
""",
    },  # fmt: skip
    "task-4": {
        "not-cut-off-at-zero": changed(RANGES, ("max(0, 1 - x)", "1 - x")) + ADJUST + JITTER,
        "contrast-of-each-channel": RANGES
        + changed(ADJUST, ("gray.mean()", "image.mean((1, 2), keepdim=True)"))
        + JITTER,
        "one-factor-for-all": RANGES
        + ADJUST
        + """

def jitter(image, settings, generator):
    u, factors = torch.rand((), generator=generator).item(), {}
    for name, x in settings.items():
        factors[name] = max(0, 1 - x) + (1 + x - max(0, 1 - x)) * u
        image = adjust(image, name, factors[name])
    return image, factors
""",
        "bell-instead-of-uniform": RANGES
        + ADJUST
        + """

def jitter(image, settings, generator):
    factors = {}
    for name, x in settings.items():
        low, high = max(0, 1 - x), 1 + x
        share = (0.5 + 0.2 * torch.randn((), generator=generator)).clamp(0, 1).item()
        factors[name] = low + (high - low) * share
        image = adjust(image, name, factors[name])
    return image, factors
""",
        "every-factor-on-the-original": RANGES
        + ADJUST
        + """

def jitter(image, settings, generator):
    factors, changed = {}, image
    for name, x in settings.items():
        low, high = max(0, 1 - x), 1 + x
        factors[name] = low + (high - low) * torch.rand((), generator=generator).item()
        changed = adjust(image, name, factors[name])
    return changed, factors
""",
    },
    "task-5": {
        "never-clipped": changed(
            changed(
                CUTOUT,
                (
                    "randint(0, height,",
                    "randint(side // 2, max(height - side // 2, side // 2 + 1),",
                ),
            ),
            ("randint(0, width,", "randint(side // 2, max(width - side // 2, side // 2 + 1),"),
        ),
        "negative-starts-count-from-the-end": changed(
            CUTOUT, ("max(top, 0) : bottom, max(left, 0) : right", "top:bottom, left:right")
        ),
        "one-draw-for-the-batch": """
def cutout(images, count, side, fill, generator):
    images = images.clone()
    height, width = images.shape[-2:]
    for _ in range(count):
        top = torch.randint(0, height, (1,), generator=generator).item() - side // 2
        left = torch.randint(0, width, (1,), generator=generator).item() - side // 2
        rows, columns = slice(max(top, 0), top + side), slice(max(left, 0), left + side)
        images[:, :, rows, columns] = fill[:, None, None]
    return images
""",
        "row-equals-column": changed(
            CUTOUT,
            (
                "column = torch.randint(0, width, (1,), generator=generator).item()",
                "column = row % width",
            ),
        ),
        "one-square": changed(CUTOUT, ("range(count)", "range(min(count, 1))")),
    },  # fmt: skip
    "task-6": {
        "copies-before-the-split": """
def prepare(photos, labels, large, size, seed):
    samples = [sample for sample in zip(photos, labels) for _ in range(5)]
    change = v2.Compose([
        v2.Resize((large, large)), v2.RandomCrop(size), v2.RandomHorizontalFlip(p=0.5),
        v2.ColorJitter(0.5, 0.3, 0.4, 0.1), v2.RandomRotation(15), normalize,
    ])
    plain = v2.Compose([v2.Resize((size, size)), normalize])
    random.Random(seed).shuffle(samples)
    cut = int(0.8 * len(samples))
    return Photos(*zip(*samples[:cut]), change), Photos(*zip(*samples[cut:]), plain)
""",
        "one-transform-for-both": changed(
            PREPARE, ("v2.Compose([v2.Resize((size, size)), normalize])", "training")
        ),
        "color-after-normalizing": changed(
            changed(
                PREPARE,
                (
                    """        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
""",
                    "",
                ),
            ),
            (
                "        v2.RandomCrop(size),\n",
                "        normalize,\n        v2.RandomCrop(size),\n",
            ),
        ),
        "shorter-side-resized": changed(PREPARE, ("v2.Resize((large, large))", "v2.Resize(large)")),
        "labels-left-behind": changed(
            PREPARE, ("[labels[i] for i in b]", "[labels[i] for i in sorted(b)]")
        ),
    },  # fmt: skip
    "task-7": {
        "believes-mirrors-leak": MEASURE
        + PREDICT
        + changed(STATEMENTS, ('"mirror": False', '"mirror": True')),
        "late-is-leaked": changed(
            MEASURE,
            (
                "nearest(train, train_labels, X[b], y[b])",
                "nearest(fives.flatten(0, 1), five_labels.flatten(), X[b], y[b])",
            ),
        )
        + PREDICT
        + STATEMENTS,
        "labels-in-the-wrong-order": changed(
            MEASURE, ("y[:, None].expand(-1, heap.shape[1]).flatten()", "y.repeat(heap.shape[1])")
        )
        + PREDICT
        + STATEMENTS,
        "original-must-be-there": MEASURE
        + """

def predict(copies, share):
    return 1 - share / 2
"""
        + STATEMENTS,
        "counts-itself": MEASURE
        + """

def predict(copies, share):
    return 1 - share ** (copies + 1) / 2
"""
        + STATEMENTS,
    },  # fmt: skip
}
