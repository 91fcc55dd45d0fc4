"""Answers to the assignment on object detection: correct ones, and wrong ones by misconception."""

from classroom import changed

OVERLAPS = """
def overlaps(a, b):
    def edges(box):
        x, y, w, h = box.unbind(dim=1)
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2

    (l1, t1, r1, b1), (l2, t2, r2, b2) = edges(a), edges(b)
    width = (torch.min(r1, r2) - torch.max(l1, l2)).relu()
    height = (torch.min(b1, b2) - torch.max(t1, t2)).relu()
    shared = width * height
    union = a[:, 2] * a[:, 3] + b[:, 2] * b[:, 3] - shared
    hull = (torch.max(r1, r2) - torch.min(l1, l2)) * (torch.max(b1, b2) - torch.min(t1, t2))
    iou = shared / union.clamp(min=1e-12)
    return iou, iou - (hull - union) / hull.clamp(min=1e-12)
"""

HEADS = """
def heads(channels, a, q):
    def head(wide):
        return nn.Conv2d(channels, wide, 3, padding="same")

    return head(a * q + a), head(4 * a)


def join(outputs, values):
    parts = []
    for output in outputs:
        batch, wide, h, w = output.shape
        part = output.reshape(batch, wide // values, values, h, w).permute(0, 3, 4, 1, 2)
        parts.append(part.reshape(batch, h * w * wide // values, values))
    return torch.cat(parts, 1)


def origin(k, sides, anchors):
    if k < 0:
        raise IndexError("there are no negative predictions")
    m = 0
    while k >= sides[m] ** 2 * anchors[m]:  # sides[m] raises the IndexError
        k -= sides[m] ** 2 * anchors[m]
        m += 1
    return m, k // (anchors[m] * sides[m]), k // anchors[m] % sides[m], k % anchors[m]
"""

DETECTOR = """
class Block(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.first, self.second = nn.Conv2d(i, o, 3, 1, 1), nn.Conv2d(o, o, 3, 1, 1)
        self.norm, self.norm2 = nn.BatchNorm2d(o), nn.BatchNorm2d(o)

    def forward(self, x):
        x = self.norm(self.first(x)).relu()
        return F.max_pool2d(self.norm2(self.second(x)).relu(), 2)


class Detector(nn.Module):
    def __init__(self, widths, anchors, classes):
        super().__init__()
        modules = [Block(i, o) for i, o in zip((3,) + tuple(widths), widths)]
        self.blocks = nn.ModuleList(modules)
        self.classes, self.boxes = nn.ModuleList(), nn.ModuleList()
        channels = (list(widths) + [widths[-1]])[len(widths) + 1 - len(anchors):]
        for c, a in zip(channels, anchors):
            self.classes.append(nn.Conv2d(c, a * (classes + 1), 3, padding=1))
            self.boxes.append(nn.Conv2d(c, a * 4, 3, padding=1))

    def forward(self, x):
        scores, shifts = [], []
        first = len(self.blocks) - len(self.classes) + 1
        for k in range(len(self.blocks) + 1):
            x = self.blocks[k](x) if k < len(self.blocks) else x.amax((2, 3), keepdim=True)
            if k >= first:
                scores.append(self.classes[k - first](x))
                shifts.append(self.boxes[k - first](x))
        return scores, shifts
"""

ASSIGN = """
def assign(iou, labels, low=0.4, high=0.5):
    n, m = iou.shape
    classes, owner = torch.zeros(n, dtype=torch.int64), -torch.ones(n, dtype=torch.int64)
    for i in range(n if m else 0):
        j = iou[i].argmax()
        if iou[i, j] >= high:
            classes[i], owner[i] = labels[j], j
        elif iou[i, j] >= low:
            classes[i] = -1
    left = iou.clone()
    for _ in range(min(n, m)):
        i, j = (left == left.max()).nonzero()[0].tolist()
        classes[i], owner[i] = labels[j], j
        left[i, :] = -1
        left[:, j] = -1
    return classes, owner
"""

LOSS = """
def batch_loss(scores, shifts, classes, offsets, ratio=3):
    matched = classes > 0
    count = matched.sum().clamp(min=1)
    losses = F.cross_entropy(scores.transpose(1, 2), classes, reduction="none")
    candidates = losses.detach().masked_fill(matched, -1)
    rank = candidates.argsort(dim=1, descending=True).argsort(dim=1)
    hard = ~matched & (rank < ratio * matched.sum(dim=1, keepdim=True))
    box = F.l1_loss(shifts[matched], offsets[matched], reduction="sum")
    return losses[matched | hard].sum() / count, box / count
"""

SOFTEN = """
def soften(boxes, scores, least=0.05):
    left = [i for i in range(len(scores)) if scores[i] >= least]
    now, order, values = scores.clone(), [], []
    while left:
        best = max(left, key=lambda i: now[i].item())
        order.append(best)
        values.append(now[best].item())
        left.remove(best)
        for i in left:
            now[i] = now[i] * (1 - box_iou(boxes[best : best + 1], boxes[i : i + 1])[0, 0])
        left = [i for i in left if now[i] >= least]
    return torch.tensor(order, dtype=torch.int64), torch.tensor(values)
"""

NUMBERS = """
def new(more_boxes=None, score=0.0, least=0.0, power=1, twice=False):
    result = []
    for seen in found:
        b, s = seen["boxes"][seen["scores"] >= least], seen["scores"][seen["scores"] >= least]
        if more_boxes:
            b = torch.cat((b, torch.tensor([[0.0, 0, 1, 1]] * more_boxes)))
            s = torch.cat((s, torch.tensor([score] * more_boxes)))
        if twice:
            b, s = torch.cat((b, b)), torch.cat((s, s * 0.9))
        result.append({"scores": s**power, "boxes": b})
    return result


numbers = {"plain": ap(found, objects), "strict": ap(found, objects, threshold=0.75)}
numbers["cut"] = ap(new(least=0.5), objects)
numbers["twice"] = ap(new(twice=True), objects)
numbers["below"] = ap(new(20), objects)
numbers["above"] = ap(new(1, 1.0), objects)
statements = dict(cut=False, twice=True, below=False, above=True, cube=False, shuffle=False)
"""

CORRECT = {
    "task-1": {
        "edges": OVERLAPS,
        "box-by-box": """
def overlaps(a, b):
    ious, gious = [a.new_zeros(0)], [a.new_zeros(0)]
    for p, q in zip(a, b):
        (x, y, w, h), (u, v, s, t) = p, q
        across = torch.minimum(x + w / 2, u + s / 2) - torch.maximum(x - w / 2, u - s / 2)
        down = torch.minimum(y + h / 2, v + t / 2) - torch.maximum(y - h / 2, v - t / 2)
        wide = torch.maximum(x + w / 2, u + s / 2) - torch.minimum(x - w / 2, u - s / 2)
        high = torch.maximum(y + h / 2, v + t / 2) - torch.minimum(y - h / 2, v - t / 2)
        shared = across * down if across > 0 and down > 0 else a.new_zeros(())
        union, hull = w * h + s * t - shared, wide * high
        iou = shared / union if union > 0 else shared * 0 + 0 * w
        ious.append(iou[None] + 0 * x)
        gious.append((iou - (hull - union) / hull if hull > 0 else iou)[None])
    return torch.cat(ious), torch.cat(gious)
""",
    },
    "task-2": {
        "five-axes": HEADS,
        "as-in-the-chapter": """
def heads(channels, a, q):
    return (nn.Conv2d(channels, a * (q + 1), (3, 3), padding=(1, 1)),
            nn.Conv2d(channels, a * 4, (3, 3), padding=(1, 1)))


def flat(output):
    return output.permute(0, 2, 3, 1).flatten(start_dim=1)


def join(outputs, values):
    joined = torch.cat([flat(output) for output in outputs], dim=1)
    return joined.reshape(len(joined), -1, values)


def origin(k, sides, anchors):
    places = [(m, y, x, i) for m, s in enumerate(sides) for y in range(s) for x in range(s)
              for i in range(anchors[m])]
    if k < 0:
        raise IndexError(k)
    return places[k]
""",
    },
    "task-3": {
        "block-class": DETECTOR,
        "as-in-the-chapter": """
def down_block(inputs, outputs):
    layers = []
    for channels in (inputs, outputs):
        layers.append(nn.Conv2d(channels, outputs, 3, padding=1))
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2, stride=2))


class Detector(nn.Module):
    def __init__(self, widths, anchors, classes):
        super().__init__()
        blocks = [down_block(i, o) for i, o in zip([3, *widths], widths, strict=False)]
        base = len(blocks) - len(anchors) + 2
        if base > len(blocks):
            self.stages = nn.ModuleList([nn.Sequential(*blocks, nn.AdaptiveMaxPool2d(1))])
            seen = [widths[-1]]
        else:
            self.stages = nn.ModuleList([nn.Sequential(*blocks[:base]), *blocks[base:]])
            self.stages.append(nn.AdaptiveMaxPool2d(1))
            seen = [*widths[base - 1:], widths[-1]]
        self.class_heads = nn.ModuleList()
        self.box_heads = nn.ModuleList()
        for c, a in zip(seen, anchors, strict=True):
            self.class_heads.append(nn.Conv2d(c, a * (classes + 1), 3, padding=1))
            self.box_heads.append(nn.Conv2d(c, a * 4, 3, padding=1))

    def forward(self, x):
        outputs = []
        for stage, *pair in zip(self.stages, self.class_heads, self.box_heads, strict=True):
            x = stage(x)
            outputs.append([head(x) for head in pair])
        scores, shifts = zip(*outputs, strict=True)
        return list(scores), list(shifts)
""",
    },
    "task-4": {
        "anchor-by-anchor": ASSIGN,
        "sorted-pairs": """
def assign(iou, labels, low=0.4, high=0.5):
    n, m = iou.shape
    largest = iou.amax(dim=1) if m else torch.zeros(n)
    classes = torch.where((largest >= low) & (largest < high), -1, 0)
    owner = torch.full((n,), -1, dtype=torch.int64)
    for i in (largest >= high).nonzero().flatten().tolist():
        owner[i] = iou[i].argmax()
    busy, served = set(), set()
    for place in iou.flatten().sort(descending=True).indices.tolist():
        i, j = divmod(place, m)
        if not (i in busy or j in served):
            owner[i] = j
            busy.add(i)
            served.add(j)
    taken = owner > -1
    classes[taken] = labels[owner[taken]]
    return classes, owner
""",
    },
    "task-5": {
        "rank-twice": LOSS,
        "top-k": """
def batch_loss(scores, shifts, classes, offsets, ratio=3):
    total, box, count = scores.sum() * 0, shifts.sum() * 0, 0
    for s, d, c, t in zip(scores, shifts, classes, offsets):
        losses = nn.functional.cross_entropy(s, c, reduction="none")
        own, rest = losses[c > 0], losses[c == 0]
        total = total + own.sum() + rest.topk(min(len(rest), ratio * len(own))).values.sum()
        box = box + (d - t)[c > 0].abs().sum()
        count += len(own)
    return total / max(count, 1), box / max(count, 1)
""",
    },
    "task-6": {
        "loops": SOFTEN,
        "shrinking-tensors": """
def soften(boxes, scores, least=0.05):
    index, order, values = torch.arange(len(scores)), [], []
    while True:
        kept = scores >= least
        index, boxes, scores = index[kept], boxes[kept], scores[kept]
        if len(index) == 0:
            break
        i = scores.argmax()
        order.append(int(index[i]))
        values.append(float(scores[i]))
        rest = torch.arange(len(index)) != i
        scores = (scores * (1 - box_iou(boxes[i][None], boxes)[0]))[rest]
        index, boxes = index[rest], boxes[rest]
    return torch.tensor(order, dtype=torch.long), torch.tensor(values)
""",
    },
    "task-7": {
        "measured": NUMBERS,
        "compared": NUMBERS
        + """
plain = numbers["plain"]
statements["cut"] = plain < numbers["cut"]
statements["twice"] = numbers["twice"] < plain - 0.05
statements["above"] = numbers["above"] < plain - 0.1
statements["cube"] = abs(ap(new(power=3), objects) - plain) > 0.001
order = torch.randperm(80).tolist()
mixed = ap([found[i] for i in order], [objects[i] for i in order])
statements["shuffle"] = abs(mixed - plain) > 0.001
""",
    },
}

WRONG = {
    "task-1": {
        "negative-sides": changed(OVERLAPS, (".relu()", "")),
        "zero-by-zero": changed(OVERLAPS, (".clamp(min=1e-12)", "")),
        "divided-by-the-union": changed(OVERLAPS, ("/ hull.clamp", "/ union.clamp")),
        "gradient-lost": changed(OVERLAPS, ("return iou, iou", "return iou, iou.detach()")),
        "torchvision": """
import torchvision


def overlaps(a, b):
    a, b = (torchvision.ops.box_convert(box, "cxcywh", "xyxy") for box in (a, b))
    iou = torchvision.ops.box_iou(a, b).diagonal().nan_to_num(0)
    return iou, torchvision.ops.generalized_box_iou(a, b).diagonal().nan_to_num(0)
""",
    },
    "task-2": {
        "channels-first": changed(HEADS, (".permute(0, 3, 4, 1, 2)", "")),
        "column-by-column": changed(HEADS, ("permute(0, 3, 4", "permute(0, 4, 3")),
        "class-before-anchor": changed(
            HEADS,
            (
                "wide // values, values, h, w).permute(0, 3, 4, 1, 2)",
                "values, wide // values, h, w).permute(0, 3, 4, 2, 1)",
            ),
        ),
        "no-background": changed(HEADS, ("a * q + a", "a * q")),
        "anchors-of-the-first-map": changed(HEADS, ("anchors[m]", "anchors[0]")),
    },
    "task-3": {
        "plain-lists": changed(
            DETECTOR, ("self.boxes = nn.ModuleList(), nn.ModuleList()", "self.boxes = [], []")
        ),
        "average-instead-of-maximum": changed(DETECTOR, ("x.amax(", "x.mean(")),
        "normalization-behind-relu": changed(
            DETECTOR,
            ("self.norm(self.first(x)).relu()", "self.norm(self.first(x).relu())"),
            ("self.norm2(self.second(x)).relu()", "self.norm2(self.second(x).relu())"),
        ),
        "one-normalization-for-both": changed(
            DETECTOR,
            ("self.norm, self.norm2 = nn.BatchNorm2d(o), ", "self.norm = "),
            ("self.norm2(", "self.norm("),
        ),
        "heads-of-the-first-blocks": changed(
            DETECTOR,
            ("[widths[-1]])[len(widths) + 1 - len(anchors):]", "[widths[-1]])"),
            ("first = len(self.blocks) - len(self.classes) + 1", "first = 0"),
            ("if k >= first:", "if k < len(self.classes):"),
        ),
    },
    "task-4": {
        "no-anchor-of-its-own": changed(ASSIGN, ("range(min(n, m))", "range(0)")),
        "two-objects-on-one-anchor": changed(ASSIGN, ("        left[i, :] = -1\n", "")),
        "no-gray-zone": changed(ASSIGN, ("classes[i] = -1", "classes[i] = 0")),
        "gray-zone-comes-first": """
def assign(iou, labels, low=0.4, high=0.5):
    n, m = iou.shape
    owner = torch.full((n,), -1)
    if m == 0:
        return torch.zeros(n, dtype=torch.int64), owner
    left, (largest, best) = iou.clone(), iou.max(dim=1)
    for _ in range(min(n, m)):
        i, j = divmod(int(left.argmax()), m)
        owner[i] = j
        left[i], left[:, j] = -1, -1
    owner = torch.where((owner < 0) & (largest >= high), best, owner)
    classes = torch.where(owner >= 0, labels[owner], 0)
    gray = (largest >= low) & (largest < high)
    return torch.where(gray, -1, classes), torch.where(gray, -1, owner)
""",
        "in-place-and-no-empty-picture": changed(
            ASSIGN, ("left = iou.clone()", "left = iou"), ("range(n if m else 0)", "range(n)")
        ),
    },
    "task-5": {
        "places-for-ranks": changed(LOSS, ("descending=True).argsort(dim=1)", "descending=True)")),
        "boxes-of-the-background": changed(
            LOSS, ("shifts[matched], offsets[matched]", "shifts, offsets")
        ),
        "hardest-of-the-whole-batch": changed(
            LOSS,
            (
                "candidates.argsort(dim=1, descending=True).argsort(dim=1)",
                "candidates.flatten().argsort(descending=True).argsort().view_as(losses)",
            ),
            ("matched.sum(dim=1, keepdim=True)", "matched.sum()"),
        ),
        "easiest-background": changed(
            LOSS,
            (".masked_fill(matched, -1)", ".masked_fill(matched, torch.inf)"),
            ("dim=1, descending=True", "dim=1"),
        ),
        "unchanged": """
batch_loss = batch_loss_wrong
""",
    },
    "task-6": {
        "hard": """
def soften(boxes, scores, least=0.05):
    left, kept = scores.argsort(descending=True), []
    left = left[scores[left] >= least]
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[box_iou(boxes[best][None], boxes[left])[0] <= 0.45]
    return torch.tensor(kept, dtype=torch.int64), scores[kept]
""",
        "order-of-the-first-scores": changed(SOFTEN, ("now[i].item())", "scores[i].item())")),
        "scores-before-suppression": changed(
            SOFTEN, ("append(now[best].item", "append(scores[best].item")
        ),
        "changed-in-place": changed(SOFTEN, ("scores.clone()", "scores")),
        "times-the-overlap": changed(SOFTEN, ("(1 - box_iou", "(box_iou")),
    },
    "task-7": {
        "sure-ones-only-are-better": changed(NUMBERS, ("cut=False", "cut=True")),
        "scores-are-probabilities": changed(NUMBERS, ("cube=False", "cube=True")),
        "every-error-costs": changed(NUMBERS, ("below=False", "below=True")),
        "same-threshold": changed(NUMBERS, ("threshold=0.75", "threshold=0.5")),
        "guessed": """
numbers = {"plain": 0.5, "strict": 0.3, "cut": 0.6, "twice": 0.5, "below": 0.4, "above": 0.4}
statements = dict(cut=True, twice=True, below=True, above=True, cube=True, shuffle=False)
""",
    },
}
