"""Answers to the assignment on sequence to sequence.

Correct ones in other styles than the reference, and wrong ones named after the misconception.
"""

from classroom import changed

LINES = """
def tokens_of(text):
    text = text.replace("\\u202f", " ").replace("\\xa0", " ").lower()
    found = ""
    for i, sign in enumerate(text):
        inside = text[i - 1 : i].isdigit() and text[i + 1 : i + 2].isdigit()
        found += f" {sign} " if sign in ".,!?" and not inside else sign
    return found.split()


def read_line(line):
    if "\\t" not in line:
        raise ValueError("no tab")
    return tuple(tokens_of(field) for field in line.split("\\t")[:2])
"""

WORDS = """

def number_tokens(sentences, least, most):
    counts = Counter()
    for tokens in sentences:
        counts.update(tokens)
    kept = [token for token, n in sorted(counts.items()) if n >= least]
    kept.sort(key=counts.get, reverse=True)
    names = list(SPECIAL) + kept
    return dict(zip(names[:most], range(most)))
"""

BATCH = """

def batch(sentences, numbers, steps):
    rows, lengths = [], []
    for tokens in sentences:
        row = [BOS] + [numbers.get(t, UNK) for t in tokens][: steps - 2] + [EOS]
        lengths.append(len(row))
        rows.append(row + [PAD] * (steps - len(row)))
    return torch.tensor(rows), torch.tensor(lengths)
"""

LINEAR = """
def as_linear(table):
    rows, width = table.weight.shape
    layer = nn.Linear(rows, width, bias=False)
    layer.weight = nn.Parameter(table.weight.detach().T.clone())
    return layer
"""

GRADIENT = """

def table_gradient(index, slope, rows, padding=None):
    hot = F.one_hot(index.reshape(-1), rows).to(slope.dtype)
    gradient = hot.T @ slope.reshape(-1, slope.shape[-1])
    if padding is not None:
        gradient[padding] = 0
    return gradient
"""

DECODE = """
def decode(step, state, target, forced):
    token = torch.full((len(target),), BOS)
    logits = []
    for t in range(target.shape[1]):
        if t > 0:
            own = logits[-1].argmax(-1)
            token = torch.where(forced[:, t], target[:, t - 1], own)
        values, state = step(token, state)
        logits += [values]
    return torch.stack(logits, 1)
"""

PROBABILITY = """

def log_probability(logits, target):
    log = logits.log_softmax(-1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return torch.where(target == PAD, 0, log).sum(-1)
"""

DECODER = """
class Decoder(nn.Module):
    def __init__(self, vocabulary, embed, context, hidden, use):
        super().__init__()
        if use not in {"state", "input", "all"}:
            raise ValueError(use)
        self.starts, self.every, self.all = use != "input", use != "state", use == "all"
        self.hidden = hidden
        self.table = nn.Embedding(vocabulary, embed)
        if self.starts:
            self.first = nn.Sequential(nn.Linear(context, hidden), nn.Tanh())
        self.gru = nn.GRU(embed + context * self.every, hidden, batch_first=True)
        self.last = nn.Linear(hidden + (embed + context) * self.all, vocabulary)

    def forward(self, tokens, c):
        x = self.table(tokens)
        again = c.unsqueeze(1).repeat(1, tokens.shape[1], 1)
        if self.every:
            x = torch.cat([x, again], -1)
        state = self.first(c) if self.starts else c.new_zeros(len(c), self.hidden)
        h = self.gru(x, state.unsqueeze(0))[0]
        if self.all:
            h = torch.cat([h, x], -1)
        return self.last(h)
"""

ATTEND = """
def attend(h, states, valid):
    scores = torch.einsum("ntd,nsd->nts", h, states)
    scores = scores.masked_fill(~valid.unsqueeze(1), float("-inf"))
    return torch.einsum("nts,nsd->ntd", scores.softmax(-1), states)
"""

LOSS = """

def batch_loss(net, source, target, attend):
    first = torch.full_like(target[:, :1], BOS)
    logits = net(source, torch.cat((first, target[:, :-1]), 1), attend)
    losses = F.cross_entropy(logits.transpose(1, 2), target, reduction="none")
    valid = target != PAD
    return (losses * valid).sum() / valid.sum()
"""

BLEU = """
def grams(tokens, n):
    return Counter(zip(*(tokens[i:] for i in range(n))))


def bleu(predicted, labels, powers, smooth=False):
    if any(predicted == label for label in labels):
        return 1.0
    if len(predicted) == 0:
        return 0.0
    size = len(predicted)
    near = sorted(map(len, labels), key=lambda n: (abs(n - size), n))[0]
    score = 1.0 if size >= near else math.exp(1 - near / size)
    for n in range(1, len(powers) + 1):
        hits = 0
        for gram, times in grams(predicted, n).items():
            hits += min(times, max(grams(label, n)[gram] for label in labels))
        count = max(size - n + 1, 0)
        if smooth and n >= 2:
            hits, count = hits + 1, count + 1
        p = hits / count if count > 0 else 0.0
        score *= p ** powers[n - 1]
    return score
"""

BEST_FIRST = """
import heapq


def best_first(log_probs, steps, end=0):
    heap = [(0.0, ())]
    while heap:
        cost, path = heapq.heappop(heap)
        if len(path) == steps or (path and path[-1] == end):
            return path, -cost
        for token, value in enumerate(log_probs(path)):
            heapq.heappush(heap, (cost - value, path + (token,)))
"""

MEASURE = """

def run(method):
    found = []
    for log_probs in languages:
        calls = 0

        def counted(path):
            nonlocal calls
            calls += 1
            return log_probs(path)

        path, score = method(counted)
        found.append((path, score, calls))
    return found


beams = {w: run(lambda f: search(f, w, STEPS)) for w in (1, 2, 4)}
everything = run(lambda f: search(f, 10**6, STEPS))
sure = run(lambda f: best_first(f, STEPS))
numbers = {
    f"right {w}": sum(a[1] > b[1] - 1e-9 for a, b in zip(beams[w], everything)) / 200
    for w in beams
}
numbers["calls 4"] = sum(row[2] for row in beams[4]) / 200
numbers["calls sure"] = sum(row[2] for row in sure) / 200
numbers["length 1"] = sum(len(row[0]) for row in beams[1]) / 200
numbers["length sure"] = sum(len(row[0]) for row in sure) / 200
"""

STATEMENTS = """
statements = {"wider": False, "cheaper": False, "shorter": True, "empty": True, "first": False}
"""

CORRECT = {
    "task-1": {
        "signs-one-by-one": LINES + WORDS + BATCH,
        "regex-with-a-function": """
def read_line(line):
    first, second, *_ = line.split("\\t")
    mark = re.compile(r"(?:(?<=[0-9])[.,!?](?=[0-9]))|([.,!?])")

    def tokens(text):
        text = re.sub("[\\u202f\\xa0]", " ", text.lower())
        return mark.sub(lambda m: f" {m[1]} " if m[1] else m[0], text).split()

    return [tokens(first), tokens(second)]


def number_tokens(sentences, least, most):
    vocabulary = Counter(sorted(t for tokens in sentences for t in tokens))
    names = [t for t, n in vocabulary.most_common() if n >= least]
    return {t: i for i, t in enumerate((list(SPECIAL) + names)[:most])}


def batch(sentences, numbers, steps):
    padded = torch.ones(len(sentences), steps, dtype=torch.long)
    length = torch.tensor([min(len(s) + 2, steps) for s in sentences])
    for i, s in enumerate(sentences):
        padded[i, 0] = BOS
        for j, token in enumerate(s[: steps - 2]):
            padded[i, j + 1] = numbers[token] if token in numbers else UNK
        padded[i, length[i] - 1] = EOS
    return padded, length
""",
    },
    "task-2": {
        "one-hot": changed(
            LINEAR,
            ("layer = nn.Linear(", "layer = nn.Linear(dtype=table.weight.dtype, *("),
            ("bias=False)", "), bias=False)"),
        )
        + GRADIENT,
        "autograd": """
def as_linear(table):
    layer = nn.Linear(table.num_embeddings, table.embedding_dim, bias=False)
    layer.weight.data = table.weight.data.t().contiguous()
    return layer


def table_gradient(index, slope, rows, padding=None):
    W = torch.zeros(rows, slope.shape[-1], dtype=slope.dtype, requires_grad=True)
    F.embedding(index, W, padding_idx=padding).backward(slope)
    return W.grad
""",
    },
    "task-3": {
        "where": DECODE + PROBABILITY,
        "all-inputs-first": """
def decode(step, state, target, forced):
    inputs = F.pad(target[:, :-1], (1, 0), value=BOS)
    found = None
    for t in range(target.shape[1]):
        token = inputs[:, t].clone()
        if t:
            free = ~forced[:, t]
            token[free] = found[free, -1].argmax(1)
        logits, state = step(token, state)
        logits = logits[:, None]
        found = logits if found is None else torch.cat((found, logits), 1)
    return found


def log_probability(logits, target):
    n, steps, size = logits.shape
    flat = F.cross_entropy(logits.reshape(-1, size), target.reshape(-1), reduction="none")
    return -(flat.view(n, steps) * (target != PAD)).sum(1)
""",
    },
    "task-4": {
        "flags": DECODER,
        "step-by-step": """
class Decoder(nn.Module):
    def __init__(self, vocabulary, embed, context, hidden, use):
        super().__init__()
        extra = {"state": (0, 0), "input": (context, 0), "all": (context, context + embed)}
        if use not in extra:
            raise ValueError(f"unknown use: {use}")
        self.embedding = nn.Embedding(vocabulary, embed)
        self.bridge = None
        if use != "input":
            self.bridge = nn.Linear(context, hidden)
        self.rnn = nn.GRU(embed + extra[use][0], hidden, batch_first=True)
        self.out = nn.Linear(hidden + extra[use][1], vocabulary)
        self.extra = extra[use]

    def forward(self, tokens, c):
        state = None if self.bridge is None else self.bridge(c).tanh()[None]
        logits = []
        for token in tokens.unbind(1):
            x = self.embedding(token)
            inputs = torch.cat((x, c), 1) if self.extra[0] else x
            h, state = self.rnn(inputs[:, None], state)
            parts = (h[:, 0], x, c) if self.extra[1] else (h[:, 0],)
            logits.append(self.out(torch.cat(parts, 1)))
        return torch.stack(logits, 1)
""",
    },
    "task-5": {
        "einsum": ATTEND + LOSS,
        "torch-does-it": """
def attend(h, states, valid):
    mask = valid[:, None].expand(-1, h.shape[1], -1)
    return F.scaled_dot_product_attention(h, states, states, attn_mask=mask, scale=1.0)


def batch_loss(net, source, target, attend):
    inputs = target.roll(1, dims=1)
    inputs[:, 0] = BOS
    logits = net(source, inputs, attend)
    return F.cross_entropy(logits[target != PAD], target[target != PAD])
""",
    },
    "task-6": {
        "zip": BLEU,
        "logarithms": """
def bleu(predicted, labels, powers, smooth=False):
    if predicted in labels:
        return 1
    if not predicted:
        return 0
    total = 0.0
    for n, power in enumerate(powers, 1):
        pieces = [tuple(predicted[i : i + n]) for i in range(len(predicted) - n + 1)]
        most = Counter()
        for label in labels:
            most |= Counter(tuple(label[i : i + n]) for i in range(len(label) - n + 1))
        matched = 0
        for piece in pieces:
            if most[piece] > 0:
                most[piece] -= 1
                matched += 1
        add = 1 if smooth and n > 1 else 0
        if matched + add == 0:
            return 0
        total += power * math.log((matched + add) / (len(pieces) + add))
    size = len(predicted)
    near = min(sorted(len(label) for label in labels), key=lambda k: abs(k - size))
    return math.exp(total + min(0, 1 - near / size))
""",
    },
    "task-7": {
        "heap": BEST_FIRST + MEASURE + STATEMENTS,
        "sorted-list": """
def best_first(log_probs, steps, end=0):
    waiting = [((), 0.0)]
    while True:
        waiting.sort(key=lambda pair: pair[1])
        path, value = waiting.pop()
        if path[-1:] == (end,) or len(path) == steps:
            return path, value
        waiting += [((*path, k), value + v) for k, v in enumerate(log_probs(path))]
"""
        + MEASURE
        + STATEMENTS,
    },
}

WRONG = {
    "task-1": {
        "decimals-split": changed(LINES, (" and not inside", "")) + WORDS + BATCH,
        "one-digit-is-enough": changed(LINES, (".isdigit() and text", ".isdigit() or text"))
        + WORDS
        + BATCH,
        "ties-as-they-occur": LINES
        + """

def number_tokens(sentences, least, most):
    counts = Counter(t for tokens in sentences for t in tokens)
    kept = [t for t, n in counts.most_common() if n >= least]
    return {t: i for i, t in enumerate([*SPECIAL, *kept][:most])}
"""
        + BATCH,
        "the-end-cut-off": LINES
        + WORDS
        + changed(
            BATCH,
            (
                "[numbers.get(t, UNK) for t in tokens][: steps - 2] + [EOS]",
                "[numbers.get(t, UNK) for t in tokens] + [EOS]",
            ),
            ("        lengths.append", "        row = row[:steps]\n        lengths.append"),
        ),
    },
    "task-2": {
        "a-token-counts-once": LINEAR
        + """

def table_gradient(index, slope, rows, padding=None):
    gradient = torch.zeros(rows, slope.shape[-1], dtype=slope.dtype)
    gradient[index] += slope
    if padding is not None:
        gradient[padding] = 0
    return gradient
""",
        "padding-is-trained": LINEAR
        + changed(GRADIENT, ("    if padding is not None:\n        gradient[padding] = 0\n", "")),
        "padding-0-overlooked": LINEAR + changed(GRADIENT, ("padding is not None", "padding")),
        "the-weights-are-shared": changed(
            LINEAR,
            ("nn.Parameter(table.weight.detach().T.clone())", "nn.Parameter(table.weight.T)"),
        )
        + GRADIENT,
    },
    "task-3": {
        "not-moved": changed(DECODE, ("target[:, t - 1]", "target[:, t]")) + PROBABILITY,
        "one-coin-for-the-batch": changed(
            DECODE, ("torch.where(forced[:, t], ", "torch.where(forced[0, t], ")
        )
        + PROBABILITY,
        "the-coin-of-the-step-before": changed(DECODE, ("forced[:, t]", "forced[:, t - 1]"))
        + PROBABILITY,
        "always-forced": changed(
            DECODE, ("torch.where(forced[:, t], target[:, t - 1], own)", "target[:, t - 1]")
        )
        + PROBABILITY,
        "mean-of-a-sentence": DECODE
        + changed(PROBABILITY, (".sum(-1)", ".sum(-1) / (target != PAD).sum(-1)")),
    },
    "task-4": {
        "bridge-without-tanh": changed(
            DECODER,
            ("nn.Sequential(nn.Linear(context, hidden), nn.Tanh())", "nn.Linear(context, hidden)"),
        ),
        "context-in-front": changed(
            DECODER, ("torch.cat([x, again], -1)", "torch.cat([again, x], -1)")
        ),
        "context-at-the-first-step-only": changed(
            DECODER,
            (
                "        if self.every:\n            x",
                "        again[:, 1:] = 0\n        if self.every:\n            x",
            ),
        ),
        "all-without-the-embedding": changed(
            DECODER,
            ("(embed + context) * self.all", "context * self.all"),
            ("torch.cat([h, x], -1)", "torch.cat([h, again], -1)"),
        ),
    },
    "task-5": {
        "mask-behind-the-softmax": changed(
            ATTEND,
            ('scores.masked_fill(~valid.unsqueeze(1), float("-inf"))', "scores.softmax(-1)"),
            ("scores.softmax(-1), states", "scores * valid[:, None], states"),
        )
        + LOSS,
        "scores-at-padding-are-0": changed(ATTEND, ('float("-inf")', "0.0")) + LOSS,
        "the-target-is-read": ATTEND
        + changed(LOSS, ("torch.cat((first, target[:, :-1]), 1)", "target")),
        "divided-by-all-positions": ATTEND + changed(LOSS, ("/ valid.sum()", "/ valid.numel()")),
        "mean-of-means": ATTEND
        + changed(
            LOSS,
            (
                "(losses * valid).sum() / valid.sum()",
                "((losses * valid).sum(1) / valid.sum(1)).mean()",
            ),
        ),
    },
    "task-6": {
        "not-clipped": changed(
            BLEU,
            (
                "min(times, max(grams(label, n)[gram] for label in labels))",
                "times * any(gram in grams(label, n) for label in labels)",
            ),
        ),
        "first-label-only": changed(
            BLEU,
            (
                "grams(label, n)[gram] for label in labels",
                "grams(label, n)[gram] for label in labels[:1]",
            ),
        ),
        "shortest-label": changed(BLEU, ("key=lambda n: (abs(n - size), n)", "key=lambda n: n")),
        "single-tokens-smoothed": changed(BLEU, ("smooth and n >= 2", "smooth")),
        "the-example-by-heart": """
def bleu(predicted, labels, powers, smooth=False):
    if predicted in labels:
        return 1.0
    return 0.81873 if len(labels) > 1 else 0.69256 if smooth else 0.68151
""",
    },
    "task-7": {
        "stops-at-the-first-end-it-makes": """
def best_first(log_probs, steps, end=0):
    waiting = {(): 0.0}
    while True:
        path = max(waiting, key=waiting.get)
        value = waiting.pop(path)
        for token, more in enumerate(log_probs(path)):
            waiting[*path, token] = value + more
        done = [p for p in waiting if p[-1] == end or len(p) == steps]
        if done:
            path = max(done, key=waiting.get)
            return path, waiting[path]
"""
        + changed(MEASURE, ("sure = run(lambda f: best_first(f, STEPS))", "sure = everything"))
        + STATEMENTS,
        "exhaustive": """
def best_first(log_probs, steps, end=0):
    return search(log_probs, 10**9, steps, end)
"""
        + MEASURE
        + STATEMENTS,
        "greedy": """
def best_first(log_probs, steps, end=0):
    return search(log_probs, 1, steps, end)
"""
        + MEASURE
        + STATEMENTS,
        "lengths-without-the-end": BEST_FIRST
        + changed(MEASURE, ("sum(len(row[0]) for", "sum(len(row[0]) - 1 for"))
        + STATEMENTS,
        "wider-is-never-worse": BEST_FIRST
        + MEASURE
        + changed(STATEMENTS, ('"wider": False', '"wider": True')),
    },
}
