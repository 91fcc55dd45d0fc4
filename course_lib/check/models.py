"""Models: their layers in the order in which they run, and the number of their parameters."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.check.values import CheckError

Layer = tuple[type[nn.Module], Mapping[str, Any]]


def layers(model: nn.Module, expected: Sequence[Layer], example: Tensor) -> None:
    """Check which layers with parameters a model runs, and in what order.

    Pooling, activations and other layers without parameters are free: they may be modules or
    functions. Layers are part of a task's text, so the message may name them.

    Args:
        model: the student's model. A copy runs, so its state stays as it is.
        expected: class and attributes of each layer: ``(nn.Conv2d, {"kernel_size": (5, 5)})``. An
            attribute that is a parameter, such as ``bias``, is given as ``True`` or ``False``.
        example: an input of the shape that the task names.

    Raises:
        CheckError: the model does not run, or a layer is missing, superfluous or different; the
            message names it by its position.
    """
    ran = _ran(model, example)
    if len(ran) != len(expected):
        wanted = ", ".join(kind.__name__ for kind, _ in expected)
        raise CheckError(
            f"the layers with parameters should be {wanted}; the model runs "
            f"{', '.join(type(layer).__name__ for layer in ran) or 'none'}{_idle(model, len(ran))}"
        )
    for position, (layer, (kind, attributes)) in enumerate(zip(ran, expected, strict=True), 1):
        if not isinstance(layer, kind):
            raise CheckError(
                f"layer {position} should be {kind.__name__}, but it is {type(layer).__name__} "
                "(counting only layers with parameters, in the order in which they run)"
            )
        for attribute, value in attributes.items():
            actual = getattr(layer, attribute)
            if isinstance(value, bool) and not isinstance(actual, bool):
                actual = actual is not None
            if actual != value:
                raise CheckError(
                    f"layer {position} ({kind.__name__}): {attribute} should be {value}, but it is "
                    f"{actual}"
                )


def _ran(model: nn.Module, example: Tensor) -> list[nn.Module]:
    """Run a copy of the model and list its modules with parameters as they ran."""
    _is_model(model)
    twin, ran = copy.deepcopy(model).eval(), []
    for module in twin.modules():
        if any(True for _ in module.parameters(recurse=False)):
            module.register_forward_pre_hook(lambda module, _: ran.append(module))
    try:
        with torch.no_grad():
            twin(example)
    except Exception as error:
        raise CheckError(
            f"the model does not run on an input of shape {tuple(example.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    return ran


def _is_model(model: object) -> None:
    if isinstance(model, nn.Module):
        return
    kind = model.__name__ if isinstance(model, type) else type(model).__name__
    hint = "; make an object of the class" if isinstance(model, type) else ""
    raise CheckError(f"the model must be an nn.Module object, but it is {kind}{hint}")


def _idle(model: nn.Module, ran: int) -> str:
    """Say it when the model holds more layers with parameters than run."""
    held = sum(1 for m in model.modules() if any(True for _ in m.parameters(recurse=False)))
    return f"; it holds {held} of them, but forward uses only {ran}" if held > ran else ""


def parameters(model: nn.Module, count: int) -> None:
    """Check the number of trainable parameters of a model, without naming the expected number.

    Args:
        model: the student's model.
        count: how many there should be.

    Raises:
        CheckError: there are more or fewer; the message lists the student's parameters.
    """
    _is_model(model)
    trainable = {n: p.numel() for n, p in model.named_parameters() if p.requires_grad}
    total = sum(trainable.values())
    if total == count:
        return
    if not trainable:
        raise CheckError(
            "the model has no trainable parameters: are its layers attributes of the model, or in "
            "an nn.ModuleList rather than a plain list?"
        )
    listing = ", ".join(f"{name} {size:,}" for name, size in trainable.items())
    frozen = sum(1 for p in model.parameters() if not p.requires_grad)
    hint = f"; {frozen} parameter tensors do not require gradients" if frozen else ""
    raise CheckError(
        f"the model has too {'many' if total > count else 'few'} trainable parameters; it holds "
        f"{listing}{hint}"
    )
