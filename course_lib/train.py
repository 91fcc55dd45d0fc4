"""The training loop that the chapters first write by hand.

Every chapter that trains a network writes the loop zero_grad → forward → loss → backward → step
once. From then on the chapters call :func:`fit`, which is that loop with validation, a history and
a progress bar.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

Batches = Iterable[tuple[Tensor, Tensor]]
Loss = Callable[[Tensor, Tensor], Tensor]
Metric = Callable[[Tensor, Tensor], float]


@dataclass
class History:
    """What :func:`fit` measured, one entry for each finished epoch.

    Attributes:
        train_loss: mean loss over the samples of the epoch, measured while training.
        valid_loss: mean loss on the validation set after the epoch; empty without one.
        metrics: for each metric its value on the validation set after the epoch.
        seconds: time of each epoch, validation included.
        best_epoch: index of the epoch whose weights the model carries at the end.
        interrupted: whether somebody stopped the training by hand.
    """

    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    interrupted: bool = False


def fit(
    model: nn.Module,
    batches: Batches,
    loss_fn: Loss,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    valid: Batches | None = None,
    metrics: Mapping[str, Metric] | None = None,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    clip_norm: float | None = None,
    patience: int | None = None,
    progress: bool = True,
) -> History:
    """Train a model in place.

    With a validation set the model ends with the weights of its best epoch (lowest validation
    loss), also when the training is interrupted from the keyboard. Without one it ends with the
    last weights.

    Args:
        model: maps a batch of inputs to outputs that ``loss_fn`` understands.
        batches: yields ``(inputs, targets)`` on the model's device, anew for every epoch.
        loss_fn: ``loss_fn(outputs, targets)`` is the mean loss of the batch, a scalar tensor.
        optimizer: holds the model's parameters.
        epochs: passes over ``batches``.
        valid: batches to validate on after each epoch.
        metrics: named functions of ``(outputs, targets)`` that return a mean over the batch.
        scheduler: stepped once after each epoch.
        clip_norm: largest Euclidean norm of all gradients together.
        patience: stop when the validation loss has not improved for this many epochs.
        progress: show a progress bar.

    Returns:
        The history of the training.

    Raises:
        ValueError: ``patience`` or ``metrics`` without ``valid``, or no batches.
        FloatingPointError: the loss is no longer finite; the message names the epoch.
    """
    if valid is None and (patience is not None or metrics):
        raise ValueError("patience and metrics are measured on a validation set: pass valid=…")
    history, best = History(), None
    try:
        for epoch in _progress(range(epochs), progress):
            started = time.perf_counter()
            history.train_loss.append(
                _train_epoch(model, batches, loss_fn, optimizer, clip_norm, epoch)
            )
            if scheduler is not None:
                scheduler.step()
            if valid is not None:
                measured = evaluate(model, valid, loss_fn, metrics)
                history.valid_loss.append(measured.pop("loss"))
                for name, value in measured.items():
                    history.metrics.setdefault(name, []).append(value)
                if history.valid_loss[-1] <= min(history.valid_loss):
                    history.best_epoch, best = epoch, copy.deepcopy(model.state_dict())
            else:
                history.best_epoch = epoch
            history.seconds.append(time.perf_counter() - started)
            if patience is not None and epoch - history.best_epoch >= patience:
                break
    except KeyboardInterrupt:
        history.interrupted = True
    if best is not None:
        model.load_state_dict(best)
    return history


def _train_epoch(model, batches, loss_fn, optimizer, clip_norm, epoch) -> float:
    """Take one step for each batch; return the mean loss over all samples."""
    model.train()
    total, count = 0.0, 0
    for inputs, targets in batches:
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        loss.backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        total += loss.detach() * len(inputs)
        count += len(inputs)
    if count == 0:
        raise ValueError(
            "there was no batch to train on: is the data set empty, or already consumed?"
        )
    mean = float(total) / count
    if not torch.isfinite(torch.tensor(mean)):
        raise FloatingPointError(
            f"the loss became {mean} in epoch {epoch + 1}; try a smaller "
            "learning rate, clip the gradients, or look for a logarithm or division of zero"
        )
    return mean


@torch.no_grad()
def evaluate(
    model: nn.Module, batches: Batches, loss_fn: Loss, metrics: Mapping[str, Metric] | None = None
) -> dict[str, float]:
    """Measure a model in evaluation mode, without building a graph.

    Args:
        model: left in the mode (train or eval) in which it came.
        batches: yields ``(inputs, targets)``; batches may differ in size, each sample counts the
            same.
        loss_fn: mean loss of a batch.
        metrics: named functions of ``(outputs, targets)`` that return a mean over the batch.

    Returns:
        ``{"loss": …}`` and one entry for each metric, means over all samples.

    Raises:
        ValueError: there are no batches.
    """
    functions = {"loss": loss_fn, **(metrics or {})}
    totals, count = dict.fromkeys(functions, 0.0), 0
    was_training = model.training
    model.eval()
    try:
        for inputs, targets in batches:
            outputs = model(inputs)
            for name, function in functions.items():
                totals[name] += function(outputs, targets) * len(inputs)
            count += len(inputs)
    finally:
        model.train(was_training)
    if count == 0:
        raise ValueError("there was no batch to evaluate on")
    return {name: float(total) / count for name, total in totals.items()}


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Share of samples whose largest score is at the target class.

    Args:
        outputs: scores, ``(batch, classes)``.
        targets: class indices, ``(batch,)``.

    >>> float(accuracy(torch.tensor([[0.1, 2.0], [1.0, 0.0]]), torch.tensor([1, 1])))
    0.5
    """
    return (outputs.argmax(dim=1) == targets).float().mean()


def count_parameters(model: nn.Module) -> int:
    """Number of trainable numbers in a model.

    >>> count_parameters(nn.Linear(784, 10))
    7850
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _progress(epochs: range, show: bool) -> Iterable[int]:
    if not show:
        return epochs
    from tqdm.auto import tqdm

    return tqdm(epochs, desc="epoch", leave=False)
