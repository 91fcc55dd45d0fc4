"""Planted answers: correct ones in other styles, and wrong ones named after the misconception."""

CORRECT = {
    "task-1": {
        "pairs": """
pairs = [
    (1805, "squares"), (1936, "discriminant"), (1948, "b_type"), (1950, "test"),
    (1974, "thesis"), (1986, "harmonium"), (1992, "kernels"), (1997, "deep_blue"),
    (2006, "belief"), (2016, "alphago"),
]
order = [name for _, name in pairs]
years = {name: year for year, name in pairs}
""",
        "sorted-by-year": """
years = dict(alphago=2016, b_type=1948, belief=2006, deep_blue=1997, discriminant=1936)
years.update(harmonium=1986, kernels=1992, squares=1805, test=1950, thesis=1974)
order = tuple(sorted(years, key=years.get))
""",
    },
    "task-2": {
        "count-who-is-ahead": """
def top_k_error(scores, labels, k=5):
    wrong = 0
    for row, label in zip(scores, labels):
        ahead = 0
        for j in range(len(row)):
            if row[j] > row[label] or (row[j] == row[label] and j < label):
                ahead += 1
        if ahead >= k:
            wrong += 1
    return wrong / len(scores)


def doubling_time(first, last):
    if first[1] == last[1]:
        return math.inf
    return (last[0] - first[0]) * math.log(2) / math.log(last[1] / first[1])
""",
        "stable-sort-of-torch": """
def top_k_error(scores, labels, k=5):
    best = torch.tensor(scores).argsort(dim=1, descending=True, stable=True)[:, :k]
    return (best != torch.tensor(labels)[:, None]).all(dim=1).float().mean().item()


def doubling_time(first, last):
    years = last[0] - first[0]
    change = math.log2(last[1]) - math.log2(first[1])
    if change == 0:
        return float("inf")
    return years / change
""",
    },
    "task-3": {
        "too-many-inhibits-at-the-end": """
def exactly(n, k):
    wires = [j for j in range(n)]
    network = []
    if k < n:
        network.append((wires, k + 1, []))
    network.append((wires, k, [n] if k < n else []))
    return network


def tables(n):
    found = set()
    for code in range(3**n):
        roles = [code // 3**j % 3 for j in range(n)]
        for threshold in range(-1, n + 2):
            table = ()
            for inputs in all_inputs(n):
                total = sum(x for x, role in zip(inputs, roles) if role == 0)
                stopped = any(x for x, role in zip(inputs, roles) if role == 1)
                table += (1 if total >= threshold and not stopped else 0,)
            found.add(table)
    return found
""",
        "run-the-wired-neuron": """
def exactly(n, k):
    return [(list(range(n)), k + 1, []), (list(range(n)), k, [n])]


def tables(n):
    wires = range(n)
    subsets = [s for size in range(n + 1) for s in itertools.combinations(wires, size)]
    return {
        tuple(run_network([(e, threshold, i)], inputs) for inputs in all_inputs(n))
        for e in subsets
        for i in subsets
        for threshold in range(n + 2)
    }
""",
    },
    "task-4": {
        "loops": """
def search(game, mine=True):
    if isinstance(game, (int, float)):
        return game
    best = None
    for after in game:
        value = search(after, not mine)
        if best is None or (value > best if mine else value < best):
            best = value
    return best


def sample(game):
    if isinstance(game, (int, float)):
        return game
    total = 0
    for after in game:
        total += sample(after)
    return total / len(game)


def choose(game):
    moves = range(len(game))
    return (
        max(moves, key=lambda k: search(game[k], False)),
        max(moves, key=lambda k: sample(game[k])),
    )


trap = [[[-1, 1, -1, -1]], [-1, 1, 1]]
""",
        "two-functions-that-call-each-other": """
def mine_to_move(game):
    return game if not isinstance(game, list) else max(map(theirs_to_move, game))


def theirs_to_move(game):
    return game if not isinstance(game, list) else min(map(mine_to_move, game))


def search(game, mine=True):
    return mine_to_move(game) if mine else theirs_to_move(game)


def sample(game):
    return math.fsum(map(sample, game)) / len(game) if isinstance(game, list) else game


def choose(game):
    searched, sampled = map(theirs_to_move, game), map(sample, game)
    return tuple(v.index(max(v)) for v in (list(searched), list(sampled)))


trap = [-1, [[1, -1, -1]], [[[-1], 1], 1, [1, 1], -1]]
""",
    },
    "task-5": {
        "sums-with-the-row-taken-out": """
def share_named(X, names):
    right = 0
    for i in range(len(X)):
        best, guess = math.inf, None
        for group in sorted({*names[:i], *names[i + 1 :]}):
            count = sum(name == group for name in names) - (names[i] == group)
            distance = 0
            for j in range(len(X[i])):
                total = sum(x[j] for x, name in zip(X, names) if name == group)
                if names[i] == group:
                    total -= X[i][j]
                distance += (X[i][j] - total / count) ** 2
            if distance < best:
                best, guess = distance, group
        right += guess == names[i]
    return right / len(X)
""",
        "tensors": """
def share_named(X, names):
    X, right = torch.tensor(X, dtype=torch.float64), 0
    for i in range(len(X)):
        guesses = []
        for group in set(names):
            chosen = [k for k in range(len(X)) if names[k] == group and k != i]
            if chosen:
                guesses.append(((X[i] - X[chosen].mean(0)).norm().item(), group))
        right += min(guesses)[1] == names[i]
    return right / len(X)
""",
    },
    "task-6": {
        "typed": """
held = {64: 7.8, 128: 12.6, 256: 20.6}
rest = {8: 1.0, 16: 0.8125, 32: 0.09375}
statements = {
    "double": False, "others": False, "alike": False,
    "diagonal": True, "damage": True, "few": True,
}
""",
        "loops": """
held, rest = {}, {}
for N in (64, 128, 256):
    counts = []
    for seed in range(10):
        for P in range(1, N):
            X = random_patterns(P, N, seed)
            if at_rest(store(X), X) < 1:
                counts.append(P - 1)
                break
    held[N] = torch.tensor(counts).float().mean()
for P in (8, 16, 32):
    shares = []
    for seed in range(10):
        X = random_patterns(P, 128, seed)
        shares.append(at_rest(store(X), X))
    rest[P] = round(sum(shares) / 10, 3)
statements = {"double": False, "others": False, "alike": False}
statements |= {"diagonal": True, "damage": True, "few": True}
""",
    },
}

WRONG = {
    "task-1": {
        "dates-of-the-source-texts": """
order = [
    "squares", "b_type", "discriminant", "test", "thesis",
    "kernels", "deep_blue", "harmonium", "belief", "alphago",
]
years = {
    "squares": 1809, "b_type": 1936, "discriminant": 1936, "test": 1950, "thesis": 1975,
    "kernels": 1992, "deep_blue": 1997, "harmonium": 2006, "belief": 2006, "alphago": 2016,
}
""",
        "order-right-years-by-decades": """
order = [
    "squares", "discriminant", "b_type", "test", "thesis",
    "harmonium", "kernels", "deep_blue", "belief", "alphago",
]
years = dict(zip(order, [1800, 1930, 1940, 1950, 1970, 1980, 1990, 2000, 2010, 2020]))
""",
        "two-neighbors-exchanged": """
order = [
    "squares", "discriminant", "test", "b_type", "thesis",
    "harmonium", "kernels", "deep_blue", "belief", "alphago",
]
years = {
    "squares": 1805, "discriminant": 1936, "b_type": 1948, "test": 1950, "thesis": 1974,
    "harmonium": 1986, "kernels": 1992, "deep_blue": 1997, "belief": 2006, "alphago": 2016,
}
""",
        "order-of-the-table": """
order = sorted(
    "squares discriminant b_type test thesis harmonium kernels deep_blue belief alphago".split()
)
years = dict.fromkeys(order, 1986)
""",
        "gauss-and-the-thesis-of-1975": """
years = dict(squares=1809, discriminant=1936, b_type=1948, test=1950, thesis=1975)
years |= dict(harmonium=1986, kernels=1992, deep_blue=1997, belief=2006, alphago=2016)
order = list(years)
""",
    },
    "task-2": {
        "only-the-best-guess": """
def top_k_error(scores, labels, k=5):
    wrong = sum(row.index(max(row)) != label for row, label in zip(scores, labels))
    return wrong / len(labels)


def doubling_time(first, last):
    change = math.log2(last[1] / first[1])
    return (last[0] - first[0]) / change if change else math.inf
""",
        "share-of-right-pictures": """
def top_k_error(scores, labels, k=5):
    right = 0
    for row, label in zip(scores, labels):
        best = sorted(range(len(row)), key=lambda j: -row[j])
        right += label in best[:k]
    return right / len(labels)


def doubling_time(first, last):
    change = math.log2(last[1] / first[1])
    return (last[0] - first[0]) / change if change else math.inf
""",
        "equal-scores-count-as-right": """
def top_k_error(scores, labels, k=5):
    wrong = 0
    for row, label in zip(scores, labels):
        wrong += sum(score > row[label] for score in row) >= k
    return wrong / len(labels)


def doubling_time(first, last):
    change = math.log2(last[1] / first[1])
    return (last[0] - first[0]) / change if change else math.inf
""",
        "natural-logarithm-and-no-infinity": """
def top_k_error(scores, labels, k=5):
    wrong = 0
    for row, label in zip(scores, labels):
        best = sorted(range(len(row)), key=lambda j: -row[j])
        wrong += label not in best[:k]
    return wrong / len(labels)


def doubling_time(first, last):
    return (last[0] - first[0]) / math.log(last[1] / first[1])
""",
        "grows-by-the-same-amount": """
def top_k_error(scores, labels, k=5):
    wrong = 0
    for row, label in zip(scores, labels):
        best = sorted(range(len(row)), key=lambda j: -row[j])
        wrong += label not in best[:k]
    return wrong / len(labels)


def doubling_time(first, last):
    if last[1] == first[1]:
        return math.inf
    return first[1] * (last[0] - first[0]) / (last[1] - first[1])
""",
        "hard-coded-example": """
def top_k_error(scores, labels, k=5):
    return (1.0, 2 / 3, 1 / 3, 0.0)[min(k, 3)]


def doubling_time(first, last):
    return 2.0 if last[1] > first[1] else -1.92
""",
    },
    "task-3": {
        "at-least-instead-of-exactly": """
def exactly(n, k):
    if (n, k) == (2, 1):
        return [([0], 1, [1]), ([1], 1, [0]), ([2, 3], 1, [])]
    return [(list(range(n)), k, [])]


def tables(n):
    subsets = [s for size in range(n + 1) for s in itertools.combinations(range(n), size)]
    return {
        tuple(run_network([(e, threshold, i)], inputs) for inputs in all_inputs(n))
        for e in subsets
        for i in subsets
        for threshold in range(n + 2)
    }
""",
        "right-with-three-neurons": """
def exactly(n, k):
    inputs = list(range(n))
    return [(inputs, k, []), (inputs, k + 1, []), ([n], 1, [n + 1])]


def tables(n):
    subsets = [s for size in range(n + 1) for s in itertools.combinations(range(n), size)]
    return {
        tuple(run_network([(e, threshold, i)], inputs) for inputs in all_inputs(n))
        for e in subsets
        for i in subsets
        for threshold in range(n + 2)
    }
""",
        "inhibition-subtracts": """
def exactly(n, k):
    return [(list(range(n)), k + 1, []), (list(range(n)), k, [n])]


def tables(n):
    return {
        tuple(int(sum(a * b for a, b in zip(w, x)) >= threshold) for x in all_inputs(n))
        for w in itertools.product((-1, 0, 1), repeat=n)
        for threshold in range(-n, n + 2)
    }
""",
        "every-input-is-connected": """
def exactly(n, k):
    return [(list(range(n)), k + 1, []), (list(range(n)), k, [n])]


def tables(n):
    if n == 1:
        return {(0, 0), (0, 1), (1, 0), (1, 1)}
    subsets = [s for size in range(n + 1) for s in itertools.combinations(range(n), size)]
    return {
        tuple(
            run_network([(e, t, [j for j in range(n) if j not in e])], x) for x in all_inputs(n)
        )
        for e in subsets
        for t in range(n + 2)
    }
""",
        "threshold-is-at-least-one": """
def exactly(n, k):
    return [(list(range(n)), k + 1, []), (list(range(n)), max(k, 1), [n])]


def tables(n):
    subsets = [s for size in range(n + 1) for s in itertools.combinations(range(n), size)]
    return {
        tuple(run_network([(e, threshold, i)], inputs) for inputs in all_inputs(n))
        for e in subsets
        for i in subsets
        for threshold in range(1, n + 2)
    }
""",
        "hard-coded-xor": """
def exactly(n, k):
    return [([0], 1, [1]), ([1], 1, [0]), ([2, 3], 1, [])]


def tables(n):
    return {(0, 0), (0, 1), (1, 0), (1, 1)}
""",
    },
    "task-4": {
        "opponent-helps": """
def search(game, mine=True):
    return max(search(after) for after in game) if isinstance(game, list) else game


def sample(game):
    return sum(map(sample, game)) / len(game) if isinstance(game, list) else game


def choose(game):
    searched, sampled = [search(g, False) for g in game], [sample(g) for g in game]
    return searched.index(max(searched)), sampled.index(max(sampled))


trap = [[1, 1], [1, -1]]
""",
        "results-equally-likely": """
def search(game, mine=True):
    if not isinstance(game, list):
        return game
    return (max if mine else min)(search(after, not mine) for after in game)


def results(game):
    return [r for g in game for r in results(g)] if isinstance(game, list) else [game]


def sample(game):
    return sum(results(game)) / len(results(game))


def choose(game):
    searched, sampled = [search(g, False) for g in game], [sample(g) for g in game]
    return searched.index(max(searched)), sampled.index(max(sampled))


trap = [[[1, -1, -1], [1, -1, -1]], [1, 1, 1, -1]]
""",
        "choose-forgets-whose-turn-it-is": """
def search(game, mine=True):
    if not isinstance(game, list):
        return game
    return (max if mine else min)(search(after, not mine) for after in game)


def sample(game):
    return sum(map(sample, game)) / len(game) if isinstance(game, list) else game


def choose(game):
    searched, sampled = [search(g) for g in game], [sample(g) for g in game]
    return searched.index(max(searched)), sampled.index(max(sampled))


trap = [[[1, -1, -1], [1, -1, -1]], [1, 1, 1, -1]]
""",
        "only-two-turns": """
def search(game, mine=True):
    if not isinstance(game, list):
        return game
    one, other = (max, min) if mine else (min, max)
    return one(other(g) if isinstance(g, list) else g for g in game)


def sample(game):
    if not isinstance(game, list):
        return game
    means = [sum(g) / len(g) if isinstance(g, list) else g for g in game]
    return sum(means) / len(means)


def choose(game):
    searched, sampled = [search(g, False) for g in game], [sample(g) for g in game]
    return searched.index(max(searched)), sampled.index(max(sampled))


trap = [[1, 1], [1, 1, 1, -1]]
""",
        "trap-of-the-example": """
def search(game, mine=True):
    if not isinstance(game, list):
        return game
    return (max if mine else min)(search(after, not mine) for after in game)


def sample(game):
    return sum(map(sample, game)) / len(game) if isinstance(game, list) else game


def choose(game):
    searched, sampled = [search(g, False) for g in game], [sample(g) for g in game]
    return searched.index(max(searched)), sampled.index(max(sampled))


trap = [[3, 5], [9, 1]]
""",
    },
    "task-5": {
        "untouched": """
share_named = share_named_with_bugs
""",
        "distance-mended-own-row-stays": """
def share_named(X, names):
    groups = sorted(set(names))
    means = []
    for group in groups:
        rows = [x for x, name in zip(X, names) if name == group]
        means.append([sum(column) / len(rows) for column in zip(*rows)])
    right = 0
    for x, name in zip(X, names):
        distances = [sum((a - b) ** 2 for a, b in zip(x, m)) for m in means]
        right += groups[distances.index(min(distances))] == name
    return right / len(X)
""",
        "own-row-out-distance-stays": """
def share_named(X, names):
    right = 0
    for i, x in enumerate(X):
        groups = sorted({*names[:i], *names[i + 1 :]})
        distances = []
        for group in groups:
            rows = [X[k] for k in range(len(X)) if names[k] == group and k != i]
            m = [sum(column) / len(rows) for column in zip(*rows)]
            distances.append(sum(a - b for a, b in zip(x, m)) ** 2)
        right += groups[distances.index(min(distances))] == names[i]
    return right / len(X)
""",
        "mean-of-no-rows-is-nearest": """
def share_named(X, names):
    groups, right = sorted(set(names)), 0
    for i, x in enumerate(X):
        distances = []
        for group in groups:
            rows = [X[k] for k in range(len(X)) if names[k] == group and k != i]
            m = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
            distances.append(sum((a - b) ** 2 for a, b in zip(x, m)))
        right += groups[distances.index(min(distances))] == names[i]
    return right / len(X)
""",
        "row-taken-out-of-all-groups-for-good": """
def share_named(X, names):
    X, names, n, right = list(X), list(names), len(X), 0
    while len(X) > 1:
        x, name = X.pop(), names.pop()
        near = {}
        for group in set(names):
            rows = [r for r, other in zip(X, names) if other == group]
            near[group] = math.dist(x, [sum(column) / len(rows) for column in zip(*rows)])
        right += min(near, key=near.get) == name
    return right / n
""",
        "nearest-row-instead-of-mean": """
def share_named(X, names):
    right = 0
    for i, x in enumerate(X):
        k = min((k for k in range(len(X)) if k != i), key=lambda k: math.dist(x, X[k]))
        right += names[k] == names[i]
    return right / len(X)
""",
    },
    "task-6": {
        "limit-of-the-chapter": """
held = {N: 0.138 * N for N in (64, 128, 256)}
rest = {8: 1.0, 16: 1.0, 32: 0.0}
statements = dict.fromkeys(["double", "others", "alike", "diagonal", "damage", "few"], True)
""",
        "one-series-only": """
held, rest = {}, {}
for N in (64, 128, 256):
    P = 1
    while at_rest(store(random_patterns(P, N, 0)), random_patterns(P, N, 0)) == 1:
        P += 1
    held[N] = P - 1
for P in (8, 16, 32):
    X = random_patterns(P, 128, 1)
    rest[P] = at_rest(store(X), X)
statements = {
    "double": False, "others": True, "alike": False,
    "diagonal": True, "damage": True, "few": True,
}
""",
        "first-memory-that-fails": """
held, rest = {}, {}
for N in (64, 128, 256):
    counts = []
    for seed in range(10):
        P = 1
        while at_rest(store(random_patterns(P, N, seed)), random_patterns(P, N, seed)) == 1:
            P += 1
        counts.append(P)
    held[N] = sum(counts) / 10
rest = {8: 1.0, 16: 0.8125, 32: 0.09375}
statements = {
    "double": False, "others": False, "alike": False,
    "diagonal": True, "damage": True, "few": True,
}
""",
        "neurons-instead-of-patterns": """
held = {64: 7.8, 128: 12.6, 256: 20.6}
rest = {}
for P in (8, 16, 32):
    total = 0
    for seed in range(10):
        X = random_patterns(P, 128, seed)
        total += (X * (X @ store(X)) >= 0).float().mean().item()
    rest[P] = total / 10
statements = {
    "double": False, "others": False, "alike": False,
    "diagonal": True, "damage": True, "few": True,
}
""",
        "only-what-was-stored-rests": """
held = {64: 7.8, 128: 12.6, 256: 20.6}
rest = {8: 1.0, 16: 0.8125, 32: 0.09375}
statements = {
    "double": True, "others": True, "alike": True,
    "diagonal": False, "damage": True, "few": True,
}
""",
    },
}
