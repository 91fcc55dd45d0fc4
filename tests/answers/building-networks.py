"""Answers to the building-networks assignment: correct ones, and wrong ones by misconception."""

CORRECT = {
    "task-1": {
        "sequential": """
class SmallNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        super().__init__()
        if side < 16:
            raise ValueError("too small")
        self.conv1 = nn.Conv2d(channels, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.body = nn.Sequential(self.conv1, nn.ReLU(), nn.MaxPool2d(2),
                                  self.conv2, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.fc1 = nn.Linear(20 * (side // 4 - 3) ** 2, 50)
        self.fc2 = nn.Linear(50, classes)

    def forward(self, x):
        return self.fc2(self.fc1(self.body(x)).relu())
""",
        "measured": """
class SmallNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        if not side >= 16:
            raise ValueError(f"side {side}")
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        with torch.no_grad():
            n = self.features(torch.zeros(1, channels, side, side)).shape[1]
        self.fc1, self.fc2 = nn.Linear(n, 50), nn.Linear(50, classes)

    def features(self, x):
        x = torch.relu(self.pool(self.conv1(x)))
        x = torch.relu(self.pool(self.conv2(x)))
        return x.reshape(len(x), -1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(self.features(x))))
""",
    },
    "task-2": {
        "function": """
def length(n, k, s, p, d, ceil):
    span = d * (k - 1) + 1
    if span > n + 2 * p:
        raise ValueError("kernel too wide")
    count = (n + 2 * p - span) // s + 1
    if ceil and (n + 2 * p - span) % s and count * s < n + p:
        count += 1
    return count


def trace(shape, layers):
    result = []
    for layer in layers:
        settings = [setting(layer, x) for x in ("kernel_size", "stride", "padding", "dilation")]
        b, c, n = shape
        numbers = 0
        if isinstance(layer, nn.Conv1d):
            if c != layer.in_channels:
                raise ValueError("channels")
            c = layer.out_channels
            numbers = layer.weight.numel() + (0 if layer.bias is None else layer.bias.numel())
        shape = (b, c, length(n, *settings, getattr(layer, "ceil_mode", False)))
        result.append((shape, numbers))
    return result
""",
        "counting": """
def trace(shape, layers):
    batch, channels, n = shape
    table = []
    for layer in layers:
        k, s = setting(layer, "kernel_size"), setting(layer, "stride")
        p, d = setting(layer, "padding"), setting(layer, "dilation")
        is_conv = type(layer) is nn.Conv1d
        if is_conv and layer.in_channels != channels:
            raise ValueError("channels do not match")
        last, starts = n + p - 1, []
        at = -p
        while at + d * (k - 1) <= last:
            starts.append(at)
            at += s
        if not starts:
            raise ValueError("the kernel does not fit")
        if not is_conv and layer.ceil_mode and starts[-1] + d * (k - 1) < last and at < n:
            starts.append(at)
        parameters = 0
        if is_conv:
            channels = layer.out_channels
            parameters = channels * (k * layer.in_channels // layer.groups)
            parameters += channels if layer.bias is not None else 0
        n = len(starts)
        table.append(((batch, channels, n), parameters))
    return table
""",
    },
    "task-3": {
        "loop": """
class Maxout(nn.Module):
    def __init__(self, inputs, outputs, pieces):
        super().__init__()
        start = 2 * torch.rand(pieces, outputs, inputs) - 1
        self.weight = nn.Parameter(start / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(pieces, outputs))
        self.register_buffer("wins", torch.zeros(pieces).long())

    def forward(self, x):
        maps = torch.stack([x @ w.T + b for w, b in zip(self.weight, self.bias)])
        if self.training:
            winner = maps.argmax(0)
            for p in range(len(self.wins)):
                self.wins[p] += (winner == p).sum()
        return maps.amax(0)
""",
        "init-module": """
class Maxout(nn.Module):
    def __init__(self, inputs, outputs, pieces):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(pieces, outputs, inputs))
        self.bias = nn.Parameter(torch.empty(pieces, outputs))
        nn.init.uniform_(self.weight, -(inputs**-0.5), inputs**-0.5)
        nn.init.zeros_(self.bias)
        self.register_buffer("wins", torch.zeros(pieces, dtype=torch.long))

    def forward(self, x):
        pieces, outputs, inputs = self.weight.shape
        z = F.linear(x, self.weight.reshape(-1, inputs), self.bias.reshape(-1))
        z = z.view(*x.shape[:-1], pieces, outputs)
        if self.training:
            counts = F.one_hot(z.argmax(-2), pieces).reshape(-1, pieces).sum(0)
            self.wins = self.wins + counts
        return z.max(-2).values
""",
    },
    "task-4": {
        "cumulative": """
class Windows(Dataset):
    def __init__(self, signals, width):
        if not width > 0:
            raise ValueError("width")
        self.width = width
        self.signals = [x for x in signals if len(x) > width]

    def __len__(self):
        return sum(len(x) - self.width for x in self.signals)

    def __getitem__(self, index):
        if index >= 0:
            for x in self.signals:
                count = len(x) - self.width
                if index < count:
                    return x[index : index + self.width].unsqueeze(0), x[index + self.width]
                index -= count
        raise IndexError("outside")


def loaders(dataset, batch_size, seed):
    generator = torch.Generator()
    generator.manual_seed(seed)
    sampler = torch.utils.data.RandomSampler(dataset, generator=generator)
    training = DataLoader(dataset, batch_size=batch_size, sampler=sampler, drop_last=True)
    return training, DataLoader(dataset, batch_size=batch_size, shuffle=False)
""",
        "list": """
class Windows(Dataset):
    def __init__(self, signals, width):
        if width < 1:
            raise ValueError(width)
        self.samples = []
        for signal in signals:
            start = 0
            while start + width < len(signal):
                window = signal[start : start + width].reshape(1, width)
                self.samples.append((window, signal[start + width]))
                start += 1

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        if index < 0:
            raise IndexError(index)
        return self.samples[index]


def loaders(dataset, batch_size, seed):
    own = torch.Generator().manual_seed(seed)
    training = DataLoader(dataset, batch_size, True, drop_last=True, generator=own)
    testing = DataLoader(dataset, batch_size, False)
    return training, testing
""",
    },
    "task-5": {
        "modes-set-one-by-one": """
def fine_tune(model, classes, batches, epochs, rate):
    model.head = nn.Linear(model.head.in_features, classes)
    for p in model.body.parameters():
        p.requires_grad = False
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=rate, momentum=0.9)
    model.eval()
    model.drop.train()
    losses = []
    for _ in range(epochs):
        for x, y in batches:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach().tolist())
    model.eval()
    return losses
""",
        "features-once": """
def fine_tune(model, classes, batches, epochs, rate):
    model.body.requires_grad_(False)
    head = nn.Linear(model.head.in_features, classes)
    model.head = head
    model.train()
    model.body.eval()
    with torch.no_grad():
        inner = [(model.body(x), y) for x, y in batches]
    speed, losses = [0, 0], []
    for h, y in inner * epochs:
        loss = F.cross_entropy(head(model.drop(h)), y)
        slopes = torch.autograd.grad(loss, [head.weight, head.bias])
        speed = [0.9 * v + g for v, g in zip(speed, slopes)]
        with torch.no_grad():
            head.weight -= rate * speed[0]
            head.bias -= rate * speed[1]
        losses.append(loss.item())
    model.eval()
    return losses
""",
    },
    "task-6": {
        "open-file": """
def save_checkpoint(path, model, optimizer, epoch):
    checkpoint = dict(epoch=epoch, model=model.state_dict(), optimizer=optimizer.state_dict())
    with open(path, "wb") as file:
        torch.save(checkpoint, file)


def load_checkpoint(path, model, optimizer, device):
    with open(path, "rb") as file:
        checkpoint = torch.load(file, device)
    for name, one in (("model", model), ("optimizer", optimizer)):
        one.load_state_dict(checkpoint[name])
    return int(checkpoint["epoch"])


def move(batch, device, dtype=None):
    if torch.is_tensor(batch):
        batch = batch.to(device)
        return batch.to(dtype) if dtype is not None and batch.is_floating_point() else batch
    if isinstance(batch, dict):
        return {k: move(v, device, dtype) for k, v in batch.items()}
    if isinstance(batch, list):
        return [move(v, device, dtype) for v in batch]
    if isinstance(batch, tuple):
        return tuple(move(v, device, dtype) for v in batch)
    return batch
""",
        "map-by-function": """
def save_checkpoint(path, model, optimizer, epoch):
    checkpoint = {"epoch": epoch}
    checkpoint["model"] = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
    checkpoint["optimizer"] = copy.deepcopy(optimizer.state_dict())
    torch.save(checkpoint, str(path))


def load_checkpoint(path, model, optimizer, device):
    state = torch.load(path, map_location=lambda storage, _: storage, weights_only=True)
    state = move(state, device)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"]


def move(batch, device, dtype=None):
    match batch:
        case Tensor():
            wanted = dtype if dtype and batch.dtype.is_floating_point else batch.dtype
            return batch.to(device=device, dtype=wanted)
        case dict():
            return dict(zip(batch, [move(v, device, dtype) for v in batch.values()]))
        case list() | tuple():
            return type(batch)([move(v, device, dtype) for v in batch])
    return batch
""",
    },
    "task-7": {
        "backward": """
def slopes(shared, seed):
    model = chain(shared, seed)
    loss(model, seed).backward()
    return [model[i].weight.grad for i in (0, 2, 4)]


counts = [0, 0]
for i, shared in enumerate((True, False)):
    for p in chain(shared, 0).parameters():
        counts[i] += p.numel()
norms = [float((g**2).sum().sqrt()) for g in slopes(False, 0)]
norm = float((slopes(True, 0)[0] ** 2).sum().sqrt())
added = True
for seed in range(10):
    added = added and torch.allclose(sum(slopes(False, seed)), slopes(True, seed)[0], atol=1e-9)
twin = copy.deepcopy(chain(True, 0))
with torch.no_grad():
    twin[0].weight.zero_()
stepped = descend(chain(False, 0), 0, 1)
target = chain(True, 0)
try:
    target.load_state_dict(descend(chain(False, 0), 0, 50).state_dict())
    loaded = True
except RuntimeError:
    loaded = False
above = 0
for seed in range(5):
    shared = loss(descend(chain(True, seed), seed, 50), seed).item()
    free = loss(descend(chain(False, seed), seed, 50), seed).item()
    above += shared > free
statements = {
    "sum": added,
    "lengths": math.isclose(norm, sum(norms), rel_tol=0.01),
    "entries": len(chain(True, 0).state_dict()) == sum(1 for _ in chain(True, 0).parameters()),
    "copy": (twin[4].weight == 0).all().item(),
    "equal": (stepped[0].weight == stepped[4].weight).all().item(),
    "loads": loaded,
    "fits": above == 5,
}
""",
        "tensors": """
free, tied = chain(False, 0), chain(True, 0)
counts = (sum(map(torch.numel, tied.parameters())), sum(map(torch.numel, free.parameters())))
names = ["0.weight", "2.weight", "4.weight"]
weights = dict(free.named_parameters())
norms = [torch.linalg.matrix_norm(g) for g in
         torch.autograd.grad(loss(free, 0), [weights[n] for n in names])]
norm = torch.linalg.matrix_norm(torch.autograd.grad(loss(tied, 0), tied[0].weight)[0])


def gap(seed):
    free, tied = chain(False, seed), chain(True, seed)
    (loss(free, seed) + loss(tied, seed)).backward()
    whole = free[0].weight.grad + free[2].weight.grad + free[4].weight.grad
    return (whole - tied[0].weight.grad).abs().max().item()


after = descend(chain(False, 0), 0, 1)
answer = chain(True, 0).load_state_dict(descend(chain(False, 0), 0, 50).state_dict())
losses = [[loss(descend(chain(kind, s), s, 50), s).item() for s in range(5)]
          for kind in (True, False)]
statements = dict(
    sum=all(gap(seed) < 1e-9 for seed in range(10)),
    lengths=bool(norm > 0.99 * sum(norms)),
    entries=len(tied.state_dict()) == len([*tied.parameters()]),
    copy=len({id(layer) for layer in copy.deepcopy(tied) if isinstance(layer, nn.Linear)}) == 1,
    equal=bool((after[0].weight - after[2].weight).abs().max() == 0),
    loads=answer is not None,
    fits=all(a > b for a, b in zip(*losses)),
)
""",
    },
}

WRONG = {
    "task-1": {
        "stops-after-pooling": """
class SmallNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.fc1 = nn.Linear(20 * (side // 4 - 3) ** 2, 50)
        self.fc2 = nn.Linear(50, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        return F.max_pool2d(F.relu(self.conv2(x)), 2)
""",
        "always-320": """
class SmallNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        super().__init__()
        if side < 16:
            raise ValueError("side")
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.view(-1, 320))))
""",
        "side-rounded-up": """
class SmallNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        super().__init__()
        if side < 16:
            raise ValueError("side")
        left = math.ceil((math.ceil((side - 4) / 2) - 4) / 2)
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.fc1 = nn.Linear(20 * left**2, 50)
        self.fc2 = nn.Linear(50, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))
""",
        "softmax-at-the-end": """
class SmallNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        super().__init__()
        if side < 16:
            raise ValueError("side")
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.fc1 = nn.Linear(20 * (side // 4 - 3) ** 2, 50)
        self.fc2 = nn.Linear(50, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return F.softmax(self.fc2(F.relu(self.fc1(x.flatten(1)))), dim=1)
""",
        "one-relu-forgotten": """
class SmallNet(nn.Module):
    def __init__(self, channels=1, side=28, classes=10):
        super().__init__()
        if side < 16:
            raise ValueError("side")
        self.conv1 = nn.Conv2d(channels, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.fc1 = nn.Linear(20 * (side // 4 - 3) ** 2, 50)
        self.fc2 = nn.Linear(50, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(self.fc1(x.flatten(1)))
""",
    },
    "task-2": {
        "without-dilation": """
def trace(shape, layers):
    (batch, channels, n), found = shape, []
    for layer in layers:
        k, s, p = (setting(layer, name) for name in ("kernel_size", "stride", "padding"))
        if k > n + 2 * p:
            raise ValueError("kernel")
        n = (n + 2 * p - k) // s + 1
        if isinstance(layer, nn.Conv1d):
            if layer.in_channels != channels:
                raise ValueError("channels")
            channels = layer.out_channels
        found.append(((batch, channels, n), sum(p.numel() for p in layer.parameters())))
    return found
""",
        "always-rounded-down": """
def trace(shape, layers):
    (batch, channels, n), found = shape, []
    for layer in layers:
        k, s, p, d = (setting(layer, m) for m in ("kernel_size", "stride", "padding", "dilation"))
        if d * (k - 1) + 1 > n + 2 * p:
            raise ValueError("kernel")
        n = (n + 2 * p - d * (k - 1) - 1) // s + 1
        if isinstance(layer, nn.Conv1d):
            if layer.in_channels != channels:
                raise ValueError("channels")
            channels = layer.out_channels
        found.append(((batch, channels, n), sum(p.numel() for p in layer.parameters())))
    return found
""",
        "window-in-the-padding": """
def trace(shape, layers):
    (batch, channels, n), found = shape, []
    for layer in layers:
        k, s, p, d = (setting(layer, m) for m in ("kernel_size", "stride", "padding", "dilation"))
        if d * (k - 1) + 1 > n + 2 * p:
            raise ValueError("kernel")
        rounded = math.ceil if getattr(layer, "ceil_mode", False) else math.floor
        n = rounded((n + 2 * p - d * (k - 1) - 1) / s) + 1
        if isinstance(layer, nn.Conv1d):
            if layer.in_channels != channels:
                raise ValueError("channels")
            channels = layer.out_channels
        found.append(((batch, channels, n), sum(p.numel() for p in layer.parameters())))
    return found
""",
        "runs-the-layers": """
def trace(shape, layers):
    x, found = torch.zeros(shape), []
    for layer in layers:
        try:
            x = layer(x)
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        found.append((tuple(x.shape), sum(p.numel() for p in layer.parameters())))
    return found
""",
        "groups-and-bias-forgotten": """
def trace(shape, layers):
    (batch, channels, n), found = shape, []
    for layer in layers:
        k, s, p, d = (setting(layer, m) for m in ("kernel_size", "stride", "padding", "dilation"))
        n = (n + 2 * p - d * (k - 1) - 1) // s + 1
        if n < 1:
            raise ValueError("kernel")
        count = 0
        if isinstance(layer, nn.Conv1d):
            if layer.in_channels != channels:
                raise ValueError("channels")
            count = layer.out_channels * (k * channels + 1)
            channels = layer.out_channels
        found.append(((batch, channels, n), count))
    return found
""",
        "no-errors": """
def trace(shape, layers):
    (batch, channels, n), found = shape, []
    for layer in layers:
        k, s, p, d = (setting(layer, m) for m in ("kernel_size", "stride", "padding", "dilation"))
        room = n + 2 * p - d * (k - 1) - 1
        n = room // s + 1
        if getattr(layer, "ceil_mode", False) and room % s and n * s < room + d * (k - 1) + 1 - p:
            n += 1
        channels = getattr(layer, "out_channels", channels)
        found.append(((batch, channels, n), sum(p.numel() for p in layer.parameters())))
    return found
""",
    },
    "task-3": {
        "weights-taken-as-data": """
class Maxout(nn.Module):
    def __init__(self, inputs, outputs, pieces):
        super().__init__()
        self.weight = nn.Parameter((2 * torch.rand(pieces, outputs, inputs) - 1) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(pieces, outputs))
        self.register_buffer("wins", torch.zeros(pieces, dtype=torch.int64))

    def forward(self, x):
        z = torch.einsum("...i,poi->...po", x, self.weight.data) + self.bias.data
        y, piece = z.max(dim=-2)
        if self.training:
            self.wins += torch.bincount(piece.flatten(), minlength=len(self.wins))
        return y
""",
        "pieces-in-a-list": """
class Maxout(nn.Module):
    def __init__(self, inputs, outputs, pieces):
        super().__init__()
        self.maps = [nn.Linear(inputs, outputs) for _ in range(pieces)]
        self.register_buffer("wins", torch.zeros(pieces, dtype=torch.int64))

    def forward(self, x):
        y, piece = torch.stack([m(x) for m in self.maps]).max(dim=0)
        if self.training:
            self.wins += torch.bincount(piece.flatten(), minlength=len(self.wins))
        return y
""",
        "wins-as-plain-attribute": """
class Maxout(nn.Module):
    def __init__(self, inputs, outputs, pieces):
        super().__init__()
        self.weight = nn.Parameter((2 * torch.rand(pieces, outputs, inputs) - 1) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(pieces, outputs))
        self.wins = torch.zeros(pieces, dtype=torch.int64)

    def forward(self, x):
        y, piece = (torch.einsum("...i,poi->...po", x, self.weight) + self.bias).max(dim=-2)
        if self.training:
            self.wins += torch.bincount(piece.flatten(), minlength=len(self.wins))
        return y
""",
        "counts-in-evaluation-too": """
class Maxout(nn.Module):
    def __init__(self, inputs, outputs, pieces):
        super().__init__()
        self.weight = nn.Parameter((2 * torch.rand(pieces, outputs, inputs) - 1) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(pieces, outputs))
        self.register_buffer("wins", torch.zeros(pieces, dtype=torch.int64))

    def forward(self, x):
        y, piece = (torch.einsum("...i,poi->...po", x, self.weight) + self.bias).max(dim=-2)
        self.wins += torch.bincount(piece.flatten(), minlength=len(self.wins))
        return y
""",
        "all-pieces-alike-at-birth": """
class Maxout(nn.Module):
    def __init__(self, inputs, outputs, pieces):
        super().__init__()
        start = (2 * torch.rand(outputs, inputs) - 1) / inputs**0.5
        self.weight = nn.Parameter(start.repeat(pieces, 1, 1))
        self.bias = nn.Parameter(torch.zeros(pieces, outputs))
        self.register_buffer("wins", torch.zeros(pieces, dtype=torch.int64))

    def forward(self, x):
        y, piece = (torch.einsum("...i,poi->...po", x, self.weight) + self.bias).max(dim=-2)
        if self.training:
            self.wins += torch.bincount(piece.flatten(), minlength=len(self.wins))
        return y
""",
        "absolute-value": """
class Maxout(nn.Module):
    def __init__(self, inputs, outputs, pieces):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(pieces, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(pieces, outputs))
        self.register_buffer("wins", torch.tensor([1, 2]))

    def forward(self, x):
        return (x * self.weight[0]).abs()
""",
    },
    "task-4": {
        "windows-across-the-border": """
class Windows(Dataset):
    def __init__(self, signals, width):
        if width < 1:
            raise ValueError("width")
        self.signal = torch.cat(signals) if signals else torch.zeros(0)
        self.width = width

    def __len__(self):
        return max(0, len(self.signal) - self.width)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.signal[None, index : index + self.width], self.signal[index + self.width]


def loaders(dataset, batch_size, seed):
    dice = torch.Generator().manual_seed(seed)
    fit = DataLoader(dataset, batch_size, shuffle=True, drop_last=True, generator=dice)
    return fit, DataLoader(dataset, batch_size)
""",
        "target-inside-the-window": """
class Windows(Dataset):
    def __init__(self, signals, width):
        if width < 1:
            raise ValueError("width")
        self.signals, self.width = signals, width
        self.places = [(s, i) for s, x in enumerate(signals) for i in range(len(x) - width)]

    def __len__(self):
        return len(self.places)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        s, i = self.places[index]
        return self.signals[s][None, i + 1 : i + 1 + self.width], self.signals[s][i + self.width]


def loaders(dataset, batch_size, seed):
    dice = torch.Generator().manual_seed(seed)
    fit = DataLoader(dataset, batch_size, shuffle=True, drop_last=True, generator=dice)
    return fit, DataLoader(dataset, batch_size)
""",
        "negative-index-and-length": """
class Windows(Dataset):
    def __init__(self, signals, width):
        self.signals, self.width = signals, width

    def __len__(self):
        return sum(len(x) - self.width for x in self.signals)

    def __getitem__(self, index):
        for x in self.signals:
            if index < len(x) - self.width:
                return x[None, index : index + self.width], x[index + self.width]
            index -= len(x) - self.width


def loaders(dataset, batch_size, seed):
    dice = torch.Generator().manual_seed(seed)
    fit = DataLoader(dataset, batch_size, shuffle=True, drop_last=True, generator=dice)
    return fit, DataLoader(dataset, batch_size)
""",
        "shuffles-both-seeds-all": """
class Windows(Dataset):
    def __init__(self, signals, width):
        if width < 1:
            raise ValueError("width")
        self.signals, self.width = signals, width
        self.places = [(s, i) for s, x in enumerate(signals) for i in range(len(x) - width)]

    def __len__(self):
        return len(self.places)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        s, i = self.places[index]
        return self.signals[s][None, i : i + self.width], self.signals[s][i + self.width]


def loaders(dataset, batch_size, seed):
    torch.manual_seed(seed)
    fit = DataLoader(dataset, batch_size, shuffle=True, drop_last=True)
    return fit, DataLoader(dataset, batch_size, shuffle=True)
""",
        "shuffled-once": """
class Windows(Dataset):
    def __init__(self, signals, width):
        if width < 1:
            raise ValueError("width")
        self.signals, self.width = signals, width
        self.places = [(s, i) for s, x in enumerate(signals) for i in range(len(x) - width)]

    def __len__(self):
        return len(self.places)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        s, i = self.places[index]
        return self.signals[s][None, i : i + self.width], self.signals[s][i + self.width]


def loaders(dataset, batch_size, seed):
    order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(seed))
    fit = DataLoader(dataset, batch_size, sampler=order.tolist(), drop_last=True)
    return fit, DataLoader(dataset, batch_size)
""",
    },
    "task-5": {
        "only-the-optimizer": """
def fine_tune(model, classes, batches, epochs, rate):
    model.body.requires_grad_(False)
    model.head = nn.Linear(model.head.in_features, classes)
    optimizer = torch.optim.SGD(model.head.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(epochs):
        model.train()
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    return losses
""",
        "eval-undone-by-train": """
def fine_tune(model, classes, batches, epochs, rate):
    model.body.requires_grad_(False)
    model.body.eval()
    model.head = nn.Linear(model.head.in_features, classes)
    optimizer = torch.optim.SGD(model.head.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(epochs):
        model.train()
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    return losses
""",
        "eval-for-everything": """
def fine_tune(model, classes, batches, epochs, rate):
    model.body.requires_grad_(False)
    model.head = nn.Linear(model.head.in_features, classes)
    optimizer = torch.optim.SGD(model.head.parameters(), lr=rate, momentum=0.9)
    losses = []
    model.eval()
    for x, y in batches * epochs:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
""",
        "only-the-mode": """
def fine_tune(model, classes, batches, epochs, rate):
    model.body.requires_grad_(False)
    optimizer = torch.optim.SGD(model.head.parameters(), lr=rate, momentum=0.9)
    model.head = nn.Linear(model.head.in_features, classes)
    losses = []
    for _ in range(epochs):
        model.train()
        model.body.eval()
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    return losses
""",
        "trains-the-body": """
def fine_tune(model, classes, batches, epochs, rate):
    model.head = nn.Linear(model.head.in_features, classes)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(epochs):
        model.train()
        model.body.eval()
        for x, y in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    return losses
""",
        "body-put-back-afterwards": """
def fine_tune(model, classes, batches, epochs, rate):
    before = copy.deepcopy(model.body.state_dict())
    model.body.requires_grad_(False)
    model.head = nn.Linear(model.head.in_features, classes)
    optimizer = torch.optim.SGD(model.head.parameters(), lr=rate, momentum=0.9)
    losses = []
    model.train()
    for x, y in batches * epochs:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.body.load_state_dict(before)
    return losses
""",
    },
    "task-6": {
        "whole-model": """
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model, "optimizer": optimizer, "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer, device):
    saved = torch.load(path, map_location=device, weights_only=False)
    model.load_state_dict(saved["model"].state_dict())
    optimizer.load_state_dict(saved["optimizer"].state_dict())
    return saved["epoch"]


def move(batch, device, dtype=None):
    if isinstance(batch, Tensor):
        return batch.to(device, dtype if batch.is_floating_point() else None)
    if isinstance(batch, dict):
        return {key: move(value, device, dtype) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        return type(batch)(move(value, device, dtype) for value in batch)
    return batch
""",
        "no-map-and-labels-cast": """
def save_checkpoint(path, model, optimizer, epoch):
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**states, "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer, device):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    model.to(device)
    return saved["epoch"]


def move(batch, device, dtype=None):
    if isinstance(batch, Tensor):
        return batch.to(device, dtype)
    if isinstance(batch, dict):
        return {key: move(value, device, dtype) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        return type(batch)(move(value, device, dtype) for value in batch)
    return batch
""",
        "parameters-only-flat-batch": """
def save_checkpoint(path, model, optimizer, epoch):
    states = {"model": dict(model.named_parameters()), "optimizer": optimizer.state_dict()}
    torch.save({**states, "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer, device):
    saved = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(saved["model"], strict=False)
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


def move(batch, device, dtype=None):
    moved = {}
    for key, value in batch.items():
        if isinstance(value, Tensor):
            value = value.to(device, dtype if value.is_floating_point() else None)
        elif isinstance(value, list | tuple):
            value = [one.to(device) for one in value]
        moved[key] = value
    return moved
""",
        "optimizer-forgotten-batch-changed": """
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": {}, "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer, device):
    saved = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(saved["model"])
    return saved["epoch"]


def move(batch, device, dtype=None):
    if isinstance(batch, Tensor):
        return batch.to(device, dtype if batch.is_floating_point() else None)
    if isinstance(batch, dict):
        for key, value in batch.items():
            batch[key] = move(value, device, dtype)
    if isinstance(batch, list | tuple):
        return type(batch)(move(value, device, dtype) for value in batch)
    return batch
""",
        "unsafe-loading-moves-thrown-away": """
def save_checkpoint(path, model, optimizer, epoch):
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({**states, "epoch": 0}, path)


def load_checkpoint(path, model, optimizer, device):
    saved = torch.load(path, map_location=device, weights_only=False)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


def move(batch, device, dtype=None):
    for value in batch.values():
        if isinstance(value, Tensor):
            value.to(device, dtype)
    return batch
""",
    },
    "task-7": {
        "gradients-averaged": """
def slopes(shared):
    model = chain(shared, 0)
    loss(model, 0).backward()
    return [model[i].weight.grad for i in (0, 2, 4)]


counts = (72, 216)
norms = [g.norm().item() for g in slopes(False)]
norm = sum(norms) / 3
statements = {"sum": False, "lengths": False, "entries": False, "copy": True, "equal": False,
              "loads": True, "fits": True}
""",
        "counted-by-state-dict": """
def slopes(shared):
    model = chain(shared, 0)
    loss(model, 0).backward()
    return [model[i].weight.grad for i in (0, 2, 4)]


counts = tuple(sum(v.numel() for v in chain(s, 0).state_dict().values()) for s in (True, False))
norms = [g.norm().item() for g in slopes(False)]
norm = slopes(True)[0].norm().item()
statements = {"sum": True, "lengths": False, "entries": True, "copy": True, "equal": False,
              "loads": True, "fits": True}
""",
        "lengths-add-up": """
counts = (72, 216)
model = chain(False, 0)
loss(model, 0).backward()
norms = [model[i].weight.grad.norm().item() for i in (0, 2, 4)]
norm = sum(norms)
statements = {"sum": True, "lengths": True, "entries": False, "copy": True, "equal": False,
              "loads": True, "fits": True}
""",
        "squared-lengths-strict-loading": """
def slopes(shared):
    model = chain(shared, 0)
    loss(model, 0).backward()
    return [model[i].weight.grad for i in (0, 2, 4)]


counts = (72, 216)
norms = [g.square().sum().item() for g in slopes(False)]
norm = slopes(True)[0].square().sum().item()
statements = {"sum": True, "lengths": False, "entries": False, "copy": False, "equal": False,
              "loads": False, "fits": True}
""",
        "equal-start-equal-end": """
counts = (72, 216)
norms, norm = [1.0, 1.0, 1.0], 3.0
statements = {"sum": True, "lengths": False, "entries": False, "copy": True, "equal": True,
              "loads": True, "fits": False}
""",
    },
}
