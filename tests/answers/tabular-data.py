"""Answers to the assignment on tabular data: correct ones, and wrong ones by misconception."""

# Inputs for the contest; the answers differ in what they make of them.
CONTEST = """
def hot(column):
    known = past_rides[column].fillna("none").astype(str)
    kinds = sorted(known.unique())
    return [[(f[column].fillna("none").astype(str) == k).to_numpy(float) for k in kinds]
            for f in (past_rides, new_rides)]


def table(kinds, numbers, flag=True):
    past, new = [], []
    for column in kinds:
        a, b = hot(column)
        past, new = past + a, new + b
    for column in numbers:
        a, b = past_rides[column], new_rides[column]
        middle = a.median()
        a, b = a.fillna(middle), b.fillna(middle)
        past.append(((a - a.mean()) / a.std()).to_numpy())
        new.append(((b - a.mean()) / a.std()).to_numpy())
    if flag:
        past.append(past_rides["age"].isna().to_numpy(float))
        new.append(new_rides["age"].isna().to_numpy(float))
    return np.stack(past, 1), np.stack(new, 1)


from sklearn.linear_model import LogisticRegression


def linear(past, new):
    model = LogisticRegression(max_iter=2000).fit(past, past_late.numpy())
    return torch.tensor(model.predict_proba(new)[:, 1])


"""

# The six losses of task 6; the answers differ in what they conclude.
SIX_LOSSES = """
losses = {}
for name, reason in (("random", False), ("reason", True)):
    (X, y), (X_new, y_new) = survey(4000, 0, reason), survey(4000, 1, reason)
    old, new = pd.DataFrame(X.numpy()), pd.DataFrame(X_new.numpy())
    middle = float(X[:, 0].nanmedian())
    losses[name] = {}
    for way, value in (("zero", 0.0), ("median", middle), ("flag", middle)):
        pair = [f.fillna(value) for f in (old, new)]
        if way == "flag":
            pair = [p.assign(flag=f[0].isna() * 1.0) for p, f in zip(pair, (old, new))]
        A, B = (torch.from_numpy(p.to_numpy(copy=True)) for p in pair)
        losses[name][way] = log_loss(logistic(A, y)(B), y_new)
"""

CORRECT = {
    "task-1": {
        "assign": """
def fill(frame, train, categorical, numeric):
    words = {c: frame[c].where(frame[c].notna(), "missing") for c in categorical}
    middle = train[numeric].median()
    result = frame.assign(**words, **{c: frame[c].fillna(middle[c]) for c in numeric})
    flags = [c for c in numeric if train[c].isna().sum() > 0]
    return result.assign(**{c + " missing": 1.0 * frame[c].isna() for c in flags})
""",
        "loc": """
def fill(frame, train, categorical, numeric):
    result = frame.copy(deep=True)
    for c in numeric:
        gap = result[c].isna()
        result.loc[gap, c] = np.nanmedian(train[c].to_numpy(dtype=float))
        if not train[c].notna().all():
            result[f"{c} missing"] = gap.map({True: 1.0, False: 0.0})
    return result.fillna({c: "missing" for c in categorical})
""",
    },
    "task-2": {
        "compare": """
def encode(frame, train, categorical, numeric):
    parts = []
    for c in categorical:
        kinds = np.unique(train[c].to_numpy(dtype=object))
        parts.append(frame[c].to_numpy(dtype=object)[:, None] == kinds)
    if numeric:
        mean, std = train[numeric].mean(), train[numeric].std().replace(0, 1)
        parts.append(((frame[numeric] - mean) / std).to_numpy())
    return torch.tensor(np.hstack([p.astype("float32") for p in parts]))
""",
        "codes-then-eye": """
def encode(frame, train, categorical, numeric):
    blocks = []
    for c in categorical:
        codes = {kind: i for i, kind in enumerate(sorted(set(train[c])))}
        eye = torch.cat((torch.eye(len(codes)), torch.zeros(1, len(codes))))
        blocks.append(eye[[codes.get(v, -1) for v in frame[c]]])
    for c in numeric:
        old, x = torch.tensor(train[c].to_numpy()), torch.tensor(frame[c].to_numpy())
        std = old.std() if old.min() < old.max() else 1.0
        blocks.append(((x - old.mean()) / std).float()[:, None])
    return torch.cat(blocks, dim=1)
""",
    },
    "task-3": {
        "iloc": """
class Rows(Dataset):
    def __init__(self, frame, codes, numbers, target):
        self.frame, self.names = frame.copy(), (codes, numbers, target)

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, i):
        row = self.frame.iloc[i]
        codes, numbers, target = self.names
        c = torch.tensor([int(row[k]) for k in codes])
        x = torch.tensor([float(row[k]) for k in numbers])
        return (c, x), torch.tensor(int(row[target]))
""",
        "columns": """
class Rows(Dataset):
    def __init__(self, frame, codes, numbers, target):
        def stacked(names, dtype):
            columns = [torch.tensor(frame[name].tolist(), dtype=dtype) for name in names]
            return torch.stack(columns, dim=1)

        self.c = stacked(codes, torch.int64)
        self.x = stacked(numbers, torch.float32)
        self.y = stacked([target], torch.int64)[:, 0]

    def __len__(self):
        return self.c.shape[0]

    def __getitem__(self, i):
        if i >= len(self):
            raise IndexError(f"there is no row {i}")
        return (self.c[i], self.x[i]), self.y[i]
""",
    },
    "task-4": {
        "last-layer-first": """
class Net(nn.Module):
    def __init__(self, d, classes):
        super().__init__()
        self.out, self.hidden = nn.Linear(32, classes), nn.Linear(d, 32)

    def forward(self, x):
        return self.out(self.hidden(x).relu())


def learn_and_judge(X, y, X_new, y_new, classes, seed):
    torch.manual_seed(seed)
    net = Net(X.shape[-1], classes)
    adam = torch.optim.Adam(net.parameters(), 0.01)
    past = DataLoader(torch.utils.data.TensorDataset(X, y), 32, shuffle=True)
    held_out = DataLoader(torch.utils.data.TensorDataset(X_new, y_new), 64)
    for _ in range(20):
        net.train()
        for rows, labels in past:
            adam.zero_grad()
            F.cross_entropy(net(rows), labels).backward()
            adam.step()
        net.eval()
        accuracy = sum((net(x).argmax(1) == k).sum() for x, k in held_out) / len(y_new)
    kinds, counts = y.unique(return_counts=True)
    return net, accuracy, (y_new == kinds[counts.argmax()]).float().mean()
""",
        "fit": """
def learn_and_judge(X, y, X_new, y_new, classes, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(X.shape[1], 32), nn.ReLU(), nn.Linear(32, classes))
    loader = DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=32, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    train.fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=20, progress=False)
    model.eval()
    answers = y_new.new_full(y_new.shape, y.mode().values.item())
    return model, train.accuracy(model(X_new), y_new), (answers == y_new).double().mean().item()
""",
        "module": """
class Net(nn.Module):
    def __init__(self, d, classes):
        super().__init__()
        self.hidden, self.out = nn.Linear(d, 32), nn.Linear(32, classes)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


def learn_and_judge(X, y, X_new, y_new, classes, seed):
    torch.manual_seed(seed)
    net = Net(X.size(1), classes)
    adam = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(20):
        order = torch.randperm(len(y))
        for start in range(0, len(y), 32):
            rows = order[start : start + 32]
            loss = nn.functional.nll_loss(net(X[rows]).log_softmax(1), y[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
    counts = [(y == k).sum().item() for k in range(classes)]
    hits = int((net.eval()(X_new).argmax(-1) == y_new).sum())
    constant = int((y_new == counts.index(max(counts))).sum())
    return net, hits / len(y_new), constant / len(y_new)
""",
    },
    "task-5": {
        "loop-over-parts": """
def prepare(X, share, generator):
    order = torch.randperm(len(X), generator=generator)
    count = round(share * len(X))
    past = X[order[count:]]
    median = past.nanmedian(dim=0).values
    complete = torch.where(past.isnan(), median, past)
    parts = []
    for rows in (order[count:], order[:count]):
        part = torch.where(X[rows].isnan(), median, X[rows])
        parts.append((part - complete.mean(dim=0)) / complete.std(dim=0))
    return tuple(parts)
""",
        "columns": """
def prepare(X, share, generator):
    order = torch.randperm(len(X), generator=generator)
    count = round(share * len(X))
    X = X[order].clone()
    for j in range(X.shape[1]):
        gap = X[:, j].isnan()
        X[gap, j] = X[count:, j].nanmedian()
        std, mean = torch.std_mean(X[count:, j])
        X[:, j] = (X[:, j] - mean) / std
    return X[count:], X[:count]
""",
    },
    "task-6": {
        "loops": """
def measure(reason, value, flag, seeds=(0, 1)):
    (X, y), (X_new, y_new) = (survey(4000, seed, reason) for seed in seeds)
    parts = []
    for part in (X, X_new):
        gap = part[:, 0].isnan()
        part = torch.where(part.isnan(), torch.tensor(value).double(), part)
        parts.append(torch.column_stack([part, gap.double()]) if flag else part)
    return log_loss(logistic(parts[0], y)(parts[1]), y_new)


middle = {r: survey(4000, 0, r)[0][:, 0].nanmedian().item() for r in (False, True)}
losses = {
    name: {"zero": measure(r, 0.0, False), "median": measure(r, middle[r], False),
           "flag": measure(r, middle[r], True)}
    for name, r in (("random", False), ("reason", True))
}
other = {"random": measure(False, 0.0, True), "reason": measure(True, 0.0, True)}
everything = torch.cat((survey(4000, 0, False)[0], survey(4000, 1, False)[0]))
leaked = measure(False, everything[:, 0].nanmedian().item(), False)
statements = {
    "random": losses["random"]["median"] > losses["random"]["flag"] + 0.01,
    "reason": losses["reason"]["median"] > losses["reason"]["flag"] + 0.01,
    "zero": all(v["zero"] > v["median"] + 0.01 for v in losses.values()),
    "any": all(abs(other[k] - losses[k]["flag"]) < 0.001 for k in losses),
    "leak": leaked < losses["random"]["median"] - 0.01,
}
""",
        "frames": SIX_LOSSES
        + """
statements = {
    "random": False,
    "reason": True,
    "zero": losses["reason"]["zero"] - losses["reason"]["median"] > 0.01
    and losses["random"]["zero"] - losses["random"]["median"] > 0.01,
    "any": True,
    "leak": False,
}
""",
    },
    "task-7": {
        "logistic-regression": CONTEST
        + """
past_rides["distance"] = np.log(past_rides["distance"] + 0.1)
new_rides["distance"] = np.log(new_rides["distance"] + 0.1)
answers = linear(*table(["station", "weather", "plan", "deposit", "hour"], ["age", "distance"]))
""",
        "amounts-as-categories": CONTEST
        + """
answers = linear(*table(["station", "weather", "plan", "deposit"], ["age", "hour", "distance"]))
""",
    },
}

WRONG = {
    "task-1": {
        "fill-thrown-away": """
def fill(frame, train, categorical, numeric):
    filled = frame.copy()
    for c in categorical:
        filled[c].fillna("missing")
    for c in numeric:
        filled[c] = filled[c].fillna(train[c].median())
        if train[c].isna().any():
            filled[f"{c} missing"] = frame[c].isna().astype(float)
    return filled
""",
        "medians-of-the-frame": """
def fill(frame, train, categorical, numeric):
    filled = frame.copy()
    for c in categorical:
        filled[c] = filled[c].fillna("missing")
    for c in numeric:
        filled[c] = filled[c].fillna(frame[c].median())
    for c in numeric:
        if train[c].isna().any():
            filled[f"{c} missing"] = frame[c].isna().astype(float)
    return filled
""",
        "medians-of-all-rows": """
def fill(frame, train, categorical, numeric):
    filled, everything = frame.copy(), pd.concat((train, frame))
    for c in categorical:
        filled[c] = filled[c].fillna("missing")
    for c in numeric:
        filled[c] = filled[c].fillna(everything[c].median())
    for c in numeric:
        if train[c].isna().any():
            filled[f"{c} missing"] = frame[c].isna().astype(float)
    return filled
""",
        "means": """
def fill(frame, train, categorical, numeric):
    filled = frame.copy()
    for c in categorical:
        filled[c] = filled[c].fillna("missing")
    for c in numeric:
        filled[c] = filled[c].fillna(train[c].mean())
    for c in numeric:
        if train[c].isna().any():
            filled[f"{c} missing"] = frame[c].isna().astype(float)
    return filled
""",
        "flags-for-the-gaps-of-the-frame": """
def fill(frame, train, categorical, numeric):
    filled = frame.copy()
    for c in categorical:
        filled[c] = filled[c].fillna("missing")
    for c in numeric:
        filled[c] = filled[c].fillna(train[c].median())
    for c in numeric:
        if frame[c].isna().any():
            filled[f"{c} missing"] = frame[c].isna().astype(float)
    return filled
""",
    },
    "task-2": {
        "alphabetical-codes": """
def encode(frame, train, categorical, numeric):
    columns = []
    for c in categorical:
        codes = {k: i for i, k in enumerate(sorted(train[c].unique()))}
        columns.append(frame[c].map(codes).fillna(-1).to_numpy("float32"))
    for c in numeric:
        std = train[c].std() or 1.0
        columns.append(((frame[c] - train[c].mean()) / std).to_numpy("float32"))
    return torch.from_numpy(np.stack(columns, axis=1))
""",
        "an-encoder-of-its-own": """
def encode(frame, train, categorical, numeric):
    columns = []
    for c in categorical:
        for kind in sorted(frame[c].unique()):
            columns.append((frame[c] == kind).to_numpy("float32"))
    for c in numeric:
        std = train[c].std() or 1.0
        columns.append(((frame[c] - train[c].mean()) / std).to_numpy("float32"))
    return torch.from_numpy(np.stack(columns, axis=1))
""",
        "units-of-the-frame": """
def encode(frame, train, categorical, numeric):
    columns = []
    for c in categorical:
        for kind in sorted(train[c].unique()):
            columns.append((frame[c] == kind).to_numpy("float32"))
    for c in numeric:
        std = frame[c].std() or 1.0
        columns.append(((frame[c] - frame[c].mean()) / std).to_numpy("float32"))
    return torch.from_numpy(np.stack(columns, axis=1))
""",
        "divides-by-zero": """
def encode(frame, train, categorical, numeric):
    columns = []
    for c in categorical:
        for kind in sorted(train[c].unique()):
            columns.append((frame[c] == kind).to_numpy("float32"))
    for c in numeric:
        scaled = (frame[c] - train[c].mean()) / train[c].std()
        columns.append(scaled.to_numpy("float32"))
    return torch.from_numpy(np.stack(columns, axis=1))
""",
        "unseen-becomes-the-first": """
def encode(frame, train, categorical, numeric):
    blocks = []
    for c in categorical:
        codes = {k: i for i, k in enumerate(sorted(train[c].unique()))}
        k = torch.tensor([codes.get(value, 0) for value in frame[c]])
        blocks.append(F.one_hot(k, len(codes)).float())
    for c in numeric:
        std = train[c].std() or 1.0
        scaled = ((frame[c] - train[c].mean()) / std).to_numpy("float32")
        blocks.append(torch.from_numpy(scaled)[:, None])
    return torch.cat(blocks, dim=1)
""",
    },
    "task-3": {
        "dtypes-of-the-frame": """
class Rows(Dataset):
    def __init__(self, frame, codes, numbers, target):
        parts = (torch.tensor(frame[names].to_numpy()) for names in (codes, numbers, target))
        self.codes, self.numbers, self.labels = parts

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return (self.codes[i], self.numbers[i]), self.labels[i]
""",
        "row-labels": """
class Rows(Dataset):
    def __init__(self, frame, codes, numbers, target):
        self.frame, self.names = frame.copy(), (codes, numbers, target)

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, i):
        codes, numbers, target = self.names
        if i >= len(self):
            raise IndexError(i)
        c = torch.tensor([int(self.frame.loc[i, k]) for k in codes])
        x = torch.tensor([float(self.frame.loc[i, k]) for k in numbers])
        return (c, x), torch.tensor(int(self.frame.loc[i, target]))
""",
        "keeps-the-frame": """
class Rows(Dataset):
    def __init__(self, frame, codes, numbers, target):
        self.frame, self.names = frame, (codes, numbers, target)

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, i):
        row = self.frame.iloc[i]
        codes, numbers, target = self.names
        c = torch.tensor([int(row[k]) for k in codes])
        x = torch.tensor([float(row[k]) for k in numbers])
        return (c, x), torch.tensor(int(row[target]))
""",
        "label-with-an-axis": """
class Rows(Dataset):
    def __init__(self, frame, codes, numbers, target):
        self.codes = torch.tensor(frame[codes].to_numpy("int64"))
        self.numbers = torch.tensor(frame[numbers].to_numpy("float32"))
        self.labels = torch.tensor(frame[[target]].to_numpy("int64"))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return (self.codes[i], self.numbers[i]), self.labels[i]
""",
        "columns-in-the-order-of-the-frame": """
class Rows(Dataset):
    def __init__(self, frame, codes, numbers, target):
        order = list(frame)
        self.codes = torch.tensor(frame[sorted(codes, key=order.index)].to_numpy("int64"))
        self.numbers = torch.tensor(frame[sorted(numbers, key=order.index)].to_numpy("float32"))
        self.labels = torch.tensor(frame[target].to_numpy("int64"))

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return (self.codes[i], self.numbers[i]), self.labels[i]
""",
    },
    "task-4": {
        "sigmoid-behind": """
def learn_and_judge(X, y, X_new, y_new, classes, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(X.shape[1], 32), nn.ReLU(), nn.Linear(32, classes),
                          nn.Sigmoid())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(20):
        for i in torch.randperm(len(X)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(X[i]), y[i]).backward()
            optimizer.step()
    model.eval()
    frequent = y.bincount().argmax()
    accuracy = train.accuracy(model(X_new), y_new)
    return model, accuracy, (y_new == frequent).float().mean().item()
""",
        "accuracy-on-training-rows": """
def learn_and_judge(X, y, X_new, y_new, classes, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(X.shape[1], 32), nn.ReLU(), nn.Linear(32, classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(20):
        for i in torch.randperm(len(X)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(X[i]), y[i]).backward()
            optimizer.step()
    model.eval()
    frequent = y.bincount().argmax()
    accuracy = train.accuracy(model(X), y)
    return model, accuracy, (y_new == frequent).float().mean().item()
""",
        "trained-on-everything": """
def learn_and_judge(X, y, X_new, y_new, classes, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(X.shape[1], 32), nn.ReLU(), nn.Linear(32, classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    A, t = torch.cat((X, X_new)), torch.cat((y, y_new))
    for _ in range(20):
        for i in torch.randperm(len(A)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(A[i]), t[i]).backward()
            optimizer.step()
    model.eval()
    frequent = y.bincount().argmax()
    accuracy = train.accuracy(model(X_new), y_new)
    return model, accuracy, (y_new == frequent).float().mean().item()
""",
        "best-epoch-by-held-out-rows": """
def learn_and_judge(X, y, X_new, y_new, classes, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(X.shape[1], 32), nn.ReLU(), nn.Linear(32, classes))
    loader = DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=32, shuffle=True)
    train.fit(model, loader, nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), 0.01),
              epochs=20, valid=[(X_new, y_new)], progress=False)
    model.eval()
    frequent = y.bincount().argmax()
    accuracy = train.accuracy(model(X_new), y_new)
    return model, accuracy, (y_new == frequent).float().mean().item()
""",
        "baseline-of-the-held-out-rows": """
def learn_and_judge(X, y, X_new, y_new, classes, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(X.shape[1], 32), nn.ReLU(), nn.Linear(32, classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(20):
        for i in torch.randperm(len(X)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(X[i]), y[i]).backward()
            optimizer.step()
    model.eval()
    accuracy = train.accuracy(model(X_new), y_new)
    return model, accuracy, y_new.bincount().max().item() / len(y_new)
""",
    },
    "task-5": {
        "only-the-scale": """
def prepare(X, share, generator):
    X = torch.where(X.isnan(), X.nanmedian(dim=0).values, X)
    order = torch.randperm(len(X), generator=generator)
    count = round(share * len(X))
    fit, new = X[order[count:]], X[order[:count]]
    mean, std = fit.mean(dim=0), fit.std(dim=0)
    return (fit - mean) / std, (new - mean) / std
""",
        "only-the-medians": """
def prepare(X, share, generator):
    order = torch.randperm(len(X), generator=generator)
    count = round(share * len(X))
    median = X[order[count:]].nanmedian(dim=0).values
    X = torch.where(X.isnan(), median, X)
    X = (X - X.mean(dim=0)) / X.std(dim=0)
    return X[order[count:]], X[order[:count]]
""",
        "each-part-by-itself": """
def prepare(X, share, generator):
    order = torch.randperm(len(X), generator=generator)
    count = round(share * len(X))

    def alone(X):
        X = torch.where(X.isnan(), X.nanmedian(dim=0).values, X)
        return (X - X.mean(dim=0)) / (X.std(dim=0) if len(X) > 1 else 1)

    return alone(X[order[count:]]), alone(X[order[:count]])
""",
        "parts-exchanged": """
def prepare(X, share, generator):
    order = torch.randperm(len(X), generator=generator)
    count = round(share * len(X))
    fit, new = X[order[:-count]], X[order[-count:]]
    median = fit.nanmedian(dim=0).values
    fit, new = (torch.where(part.isnan(), median, part) for part in (fit, new))
    mean, std = fit.mean(dim=0), fit.std(dim=0)
    return (fit - mean) / std, (new - mean) / std
""",
        "unchanged": """
prepare = prepare_leaky
""",
    },
    "task-6": {
        "zero-is-always-worse": SIX_LOSSES
        + """
statements = {"random": False, "reason": True, "zero": True, "any": True, "leak": False}
""",
        "on-training-rows": """
def held_out(reason, value, flag=False):
    X, y = survey(4000, 0, reason)
    gap = X[:, :1].isnan().double()
    X = X.nan_to_num(value)
    X = torch.cat((X, gap), 1) if flag else X
    return log_loss(logistic(X, y)(X), y)


losses = {"random": {}, "reason": {}}
for name, reason in (("random", False), ("reason", True)):
    median = survey(4000, 0, reason)[0][:, 0].nanmedian().item()
    losses[name]["zero"] = held_out(reason, 0.0)
    losses[name]["median"] = held_out(reason, median)
    losses[name]["flag"] = held_out(reason, median, True)
statements = {"random": False, "reason": True, "zero": False, "any": True, "leak": False}
""",
        "a-leak-must-show": SIX_LOSSES
        + """
statements = {"random": False, "reason": True, "zero": False, "any": True, "leak": True}
""",
        "the-fill-counts-beside-a-flag": SIX_LOSSES
        + """
statements = {"random": False, "reason": True, "zero": False, "any": False, "leak": False}
""",
        "read-off-the-chapter": """
losses = {
    "random": {"zero": 0.62, "median": 0.53, "flag": 0.53},
    "reason": {"zero": 0.62, "median": 0.53, "flag": 0.5},
}
statements = {"random": False, "reason": True, "zero": True, "any": False, "leak": True}
""",
    },
    "task-7": {
        "majority-class": """
answers = torch.zeros(2000)
""",
        "share-of-the-past": """
answers = past_late.float().mean().expand(2000)
""",
        "codes-claim-an-order": CONTEST
        + """
pair = []
for f in (past_rides, new_rides):
    f = f.copy()
    for c in ("station", "weather", "plan"):
        kinds = sorted(past_rides[c].dropna().unique())
        f[c] = f[c].map({k: i for i, k in enumerate(kinds)}).fillna(-1)
    pair.append(f.fillna(0).astype(float))
past, new = ((f - pair[0].mean()) / pair[0].std() for f in pair)
answers = linear(past.to_numpy(), new.to_numpy())
""",
        "one-hot-and-no-look-at-the-amounts": CONTEST
        + """
answers = linear(*table(["station", "weather", "plan"], ["age", "hour", "distance", "deposit"]))
""",
        "yes-and-no-instead-of-probabilities": CONTEST
        + """
p = linear(*table(["station", "weather", "plan", "deposit"], ["age", "hour", "distance"]))
answers = (p > 0.5).float()
""",
        "large-network-too-many-epochs": CONTEST
        + """
past, new = table(["station", "weather", "plan", "deposit"], ["age", "hour", "distance"])
past, new = torch.tensor(past).float(), torch.tensor(new).float()
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(past.shape[1], 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(30):
    for i in torch.randperm(2000).split(64):
        optimizer.zero_grad()
        F.cross_entropy(net(past[i]), past_late[i]).backward()
        optimizer.step()
answers = net(new).softmax(1)[:, 1].detach()
""",
    },
}
