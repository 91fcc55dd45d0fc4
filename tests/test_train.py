import pytest
import torch
from torch import nn

from course_lib import train


def problem(n=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, generator=generator)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.3
    return x, y


def linear(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(3, 1)


def test_fit_takes_the_same_steps_as_the_loop_written_by_hand():
    x, y = problem()
    batches = [(x[i : i + 16], y[i : i + 16]) for i in range(0, 64, 16)]
    ours, by_hand = linear(), linear()
    optimizer = torch.optim.SGD(ours.parameters(), lr=0.1)
    history = train.fit(ours, batches, nn.MSELoss(), optimizer, epochs=3, progress=False)

    optimizer, losses = torch.optim.SGD(by_hand.parameters(), lr=0.1), []
    for _epoch in range(3):
        total = 0.0
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(by_hand(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item() / len(batches)
        losses.append(total)
    assert torch.equal(ours.weight, by_hand.weight)
    assert history.train_loss == pytest.approx(losses, rel=1e-6)
    assert len(history.seconds) == 3 and history.best_epoch == 2


def test_the_mean_counts_every_sample_of_unequal_batches_once():
    x, y = problem(10)
    model = linear()
    whole = train.evaluate(model, [(x, y)], nn.MSELoss())["loss"]
    parts = train.evaluate(model, [(x[:7], y[:7]), (x[7:], y[7:])], nn.MSELoss())["loss"]
    assert parts == pytest.approx(whole, rel=1e-6)


def test_evaluation_leaves_mode_and_gradients_alone():
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    x, y = problem()
    first = train.evaluate(model, [(x, y)], nn.MSELoss())
    assert model.training and model[0].weight.grad is None
    assert train.evaluate(model, [(x, y)], nn.MSELoss()) == first  # dropout was off


def test_the_best_weights_are_kept_and_patience_stops():
    """Validation targets are those of the start, so every step makes the model worse."""
    x, y = problem()
    model = linear()
    with torch.no_grad():
        valid = [(x, model(x))]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    history = train.fit(
        model, [(x, y)], nn.MSELoss(), optimizer, epochs=50, valid=valid, patience=3, progress=False
    )
    assert history.best_epoch == 0 and len(history.valid_loss) == 4
    assert train.evaluate(model, valid, nn.MSELoss())["loss"] == pytest.approx(
        history.valid_loss[0]
    )


def test_an_interrupt_keeps_the_best_weights():
    x, y = problem()
    model, count = linear(), 0

    def loss(outputs, targets):
        nonlocal count
        count += 1
        if count == 6:
            raise KeyboardInterrupt
        return nn.functional.mse_loss(outputs, targets)

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = train.fit(model, [(x, y)], loss, optimizer, epochs=10, valid=[(x, y)], progress=False)
    assert history.interrupted and history.best_epoch == 1
    kept = train.evaluate(model, [(x, y)], nn.MSELoss())["loss"]
    assert kept == pytest.approx(history.valid_loss[1])


def test_gradients_are_clipped_to_the_norm():
    x, y = problem()
    model = linear()
    before = model.weight.detach().clone(), model.bias.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    train.fit(
        model, [(x, 1000 * y)], nn.MSELoss(), optimizer, epochs=1, clip_norm=0.5, progress=False
    )
    moved = torch.cat([(model.weight - before[0]).flatten(), model.bias - before[1]])
    assert moved.norm().item() == pytest.approx(0.5, rel=1e-4)


def test_the_schedule_steps_once_an_epoch():
    x, y = problem()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    train.fit(
        model, [(x, y)] * 3, nn.MSELoss(), optimizer, epochs=2, scheduler=schedule, progress=False
    )
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.025)


def test_a_diverging_loss_is_reported_with_its_epoch():
    x, y = problem()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e6)
    with pytest.raises(FloatingPointError, match="epoch .*smaller learning rate"):
        train.fit(model, [(x, y)], nn.MSELoss(), optimizer, epochs=50, progress=False)


@pytest.mark.parametrize("arguments", [{"patience": 2}, {"metrics": {"accuracy": train.accuracy}}])
def test_what_needs_validation_says_so(arguments):
    x, y = problem()
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="valid="):
        train.fit(model, [(x, y)], nn.MSELoss(), optimizer, epochs=1, **arguments)


def test_no_batches_is_an_error():
    model = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="no batch"):
        train.fit(model, [], nn.MSELoss(), optimizer, epochs=1, progress=False)
    with pytest.raises(ValueError, match="no batch"):
        train.evaluate(model, [], nn.MSELoss())


def test_metrics_are_recorded_for_each_epoch():
    torch.manual_seed(0)
    x = torch.randn(200, 2)
    y = (x[:, 0] > 0).long()
    model = nn.Linear(2, 2)
    history = train.fit(
        model,
        [(x, y)],
        nn.CrossEntropyLoss(),
        torch.optim.SGD(model.parameters(), lr=1.0),
        epochs=30,
        valid=[(x, y)],
        metrics={"accuracy": train.accuracy},
        progress=False,
    )
    assert len(history.metrics["accuracy"]) == 30 and history.metrics["accuracy"][-1] > 0.95


def test_only_trainable_parameters_are_counted():
    model = nn.Linear(3, 2)
    assert train.count_parameters(model) == 8
    model.bias.requires_grad_(False)
    assert train.count_parameters(model) == 6
