"""Runs a chapter's code with a pretended GPU, on a computer that has none.

A chapter must run on a GPU without changes, and most of the computers that run these tests have no
GPU. Here every tensor lies in ordinary memory, but carries a note that says where it would lie: on
the CPU or on the GPU. ``run.device`` is the pretended GPU. Two modes of PyTorch see each call and
each operation; they pass the note on to the results and raise where a real GPU would:

* an operation gets tensors from both devices (a single number from the CPU is allowed, as are
  copies, and indices from the CPU into a tensor on the GPU);
* NumPy, and so Matplotlib, pandas or scikit-learn, gets a tensor on the GPU;
* random numbers on the GPU are drawn from a generator of the CPU.

The chapter runs in the ``smoke`` profile. Figures are made and not drawn; demos make two of theirs.

It can't find: an operation that the GPU lacks, results that differ between the devices, memory
that does not suffice, and code behind ``torch.cuda.is_available()`` or ``device.type == "cuda"``
(the pretended GPU's type is ``"cpu"``). A tensor that is made inside a call of PyTorch, in a
backward pass written by hand for example, counts as lying on both devices. All generators count as
generators of the CPU.

:func:`failure` changes PyTorch and ``course_lib`` for the whole process: call it in a process of
its own.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import os
import sys
import traceback
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from chapter import Cell, Chapter
from torch import Tensor
from torch.nn.parameter import UninitializedTensorMixin
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

# Equal to no device of a tensor, and yet one that PyTorch accepts wherever it accepts the CPU.
GPU = torch.device("cpu", 0)
CPU_PLACE, GPU_PLACE, ELSEWHERE = "the CPU", "the GPU", "elsewhere"

aten = torch.ops.aten
COPIES = {aten.copy_, aten._foreach_copy_}
INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_, aten._unsafe_index}
SEQUENCES = (list, tuple)
CONVERSIONS = {torch.as_tensor, torch.asarray}
GET_DEVICE = torch.Tensor.device.__get__
SETTINGS_OF_A_DEMO = (0, -1)


class WrongDevice(RuntimeError):
    """A real GPU would have refused this. All that were raised are kept, also those caught."""

    raised: list[WrongDevice] = []

    def __init__(self, message: str):
        super().__init__(message)
        self.raised.append(self)


# --- where a tensor lies --------------------------------------------------------------------------


def place_of(tensor: Tensor) -> str | None:
    """The note on the tensor's memory, which its views share; None when it carries none."""
    try:
        return getattr(plain(tensor).untyped_storage(), "place", None)
    except (NotImplementedError, RuntimeError):  # no memory of its own, such as a sparse tensor
        return None


def put(tensor: Tensor, place: str) -> Tensor:
    """Write the note; what has no memory (or lies on the device ``meta``) gets none."""
    with contextlib.suppress(NotImplementedError, RuntimeError):
        memory = plain(tensor).untyped_storage()
        if memory.device.type == "cpu":
            memory.place = place
    return tensor


def plain(tensor: Tensor) -> Tensor:
    """A lazy parameter refuses nearly all calls until it has a shape; its data do not."""
    if not isinstance(tensor, UninitializedTensorMixin):
        return tensor
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.data


def named(device: torch.device | str | int | None) -> str | None:
    """The place that a ``device=`` asks for."""
    if device is None:
        return None
    device = torch.device(device)
    if device == GPU:
        return GPU_PLACE
    return CPU_PLACE if device.type == "cpu" else ELSEWHERE


def tensors(values: Iterable[Any]) -> list[Tensor]:
    """The tensors among values, in lists, tuples and dicts too."""
    found = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, SEQUENCES):
            found += tensors(value)
        elif isinstance(value, dict):
            found += tensors(value.values())
    return found


def share_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage()._cdata == other.untyped_storage()._cdata


# --- operations: what PyTorch computes ------------------------------------------------------------


class Operations(TorchDispatchMode):
    """Sees every operation, those of the backward pass and of optimizers included."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        operation, kwargs = func.overloadpacket, kwargs or {}
        given = args
        if operation in INDEXING and place_of(args[0]) == GPU_PLACE:
            given = (args[0], *args[2:])  # the indices may come from the CPU
        arrays, numbers = set(), set()
        for tensor in tensors((given, kwargs)):
            (arrays if tensor.dim() else numbers).add(place_of(tensor))
        arrays.discard(None)
        numbers.discard(None)
        mixed = len(arrays) > 1 or (CPU_PLACE in arrays and GPU_PLACE in numbers)
        if mixed and operation not in COPIES:
            found = [(tuple(t.shape), place_of(t) or "anywhere") for t in tensors((args, kwargs))]
            listed = ", ".join(f"{shape} on {place}" for shape, place in found)
            raise WrongDevice(f"{operation} gets tensors from two devices: {listed}")
        result = func(*args, **kwargs)
        if places := arrays or numbers:
            place = GPU_PLACE if GPU_PLACE in places else CPU_PLACE
            for tensor in tensors((result,)):
                if place_of(tensor) is None:
                    put(tensor, place)
        return result


# --- calls: what the chapter writes ---------------------------------------------------------------


class Calls(TorchFunctionMode):
    """Sees every call of PyTorch; answers those that ask for a device, or leave PyTorch."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func == GET_DEVICE:
            return GPU if place_of(args[0]) == GPU_PLACE else func(*args)
        if func in (Tensor.numpy, Tensor.__array__) and place_of(args[0]) == GPU_PLACE:
            raise WrongDevice(f"NumPy gets a tensor on the GPU, of shape {tuple(args[0].shape)}")
        if func is Tensor.cpu:
            return moved(args[0], CPU_PLACE)
        if func is Tensor.to:
            return to(*args, **kwargs)
        return call(func, args, kwargs)


def moved(tensor: Tensor, place: str) -> Tensor:
    """The tensor itself, or a copy that lies at the other place."""
    if (place_of(tensor) or CPU_PLACE) == place:
        return tensor
    return put(tensor.clone(), place)


def to(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``Tensor.to`` in all its spellings."""
    tensor = plain(tensor)
    place = named(kwargs.get("device"))
    options = {name: value for name, value in kwargs.items() if name != "device"}
    for value in args:
        if isinstance(value, torch.device | str):
            place = named(value)
        elif isinstance(value, torch.dtype):
            options["dtype"] = value
        elif isinstance(value, Tensor):
            place, options["dtype"] = place_of(value) or CPU_PLACE, value.dtype
    if place == ELSEWHERE:
        return tensor.to(*args, **kwargs)
    was = place_of(tensor) or CPU_PLACE
    result = put(tensor.to(**options), was) if options else tensor
    return moved(result, place or was)


def call(func, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Any other call: results lie where ``device=`` says, otherwise where the arguments lie."""
    place = named(kwargs.get("device"))
    if place == ELSEWHERE:
        return func(*args, **kwargs)
    if place:
        kwargs = kwargs | {"device": "cpu"}
    given = tensors((args, kwargs))
    on_gpu = GPU_PLACE in [place_of(tensor) for tensor in given]
    if kwargs.get("generator") is not None and (place == GPU_PLACE or on_gpu and not place):
        raise WrongDevice(f"{func.__name__} draws on the GPU from a generator of the CPU")
    result = func(*args, **kwargs)
    for tensor in tensors((result,)):
        if func in CONVERSIONS and place and given and share_memory(tensor, given[0]):
            return moved(tensor, place)
        if place or place_of(tensor) is None:
            put(tensor, place or (GPU_PLACE if on_gpu else CPU_PLACE))
    return result


# --- what else knows of devices -------------------------------------------------------------------


def note_for_file(storage: torch.UntypedStorage) -> str | None:
    """What ``torch.save`` writes down as the device of the memory; None: PyTorch decides."""
    return str(GPU) if getattr(storage, "place", None) == GPU_PLACE else None


def from_file(storage: torch.UntypedStorage, device: str) -> torch.UntypedStorage | None:
    """What ``torch.load`` does for a device; None: PyTorch decides."""
    if device != str(GPU):
        return None
    storage.place = GPU_PLACE
    return storage


def pretend() -> None:
    """Change PyTorch and ``course_lib`` of this process, so that the chapter meets the GPU."""
    from course_lib import runtime
    from course_lib.data.batches import Batches

    real_start, by_numpy = runtime.start, Batches._pixels_by_numpy

    def start(profile: str = "cpu", seed: int = 0) -> runtime.Run:
        runtime._current = replace(real_start("smoke", seed), device=GPU)
        return runtime._current

    def pixels(batches: Batches, chosen: Tensor) -> Tensor:
        """The way of the GPU where the type of the device, "cpu", would choose the other one."""
        on_gpu = place_of(batches.x) == GPU_PLACE
        return batches._by_torch(chosen) if on_gpu else by_numpy(batches, chosen)

    runtime.start, Batches._pixels_by_numpy = start, pixels
    torch.serialization.register_package(0, note_for_file, from_file)


# --- running a chapter ----------------------------------------------------------------------------


def failure(path: Path) -> str:
    """Run the code of a chapter; the failure with its line and code, or nothing."""
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    os.chdir(path.parent)
    torch.set_num_threads(1)
    pretend()
    notebook = ModuleType("__main__")
    for cell in Chapter(path).cells:
        printed = io.StringIO()
        try:
            with (
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
                Calls(),
                Operations(),
            ):
                execute(cell, notebook)
        except Exception as error:
            if WrongDevice.raised or "raises-exception" not in cell.options.get("tags", []):
                return report(path, cell, error)
        if WrongDevice.raised:  # the chapter caught it, and its page would show the message
            return report(path, cell, WrongDevice.raised[0])
        plt.close("all")
    return ""


def execute(cell: Cell, notebook: ModuleType) -> None:
    """Run a cell and show its last value, as a notebook does."""
    sys.modules["__main__"] = notebook  # where pickle looks for classes; IPython puts its own there
    names = vars(notebook)
    file = f"cell at line {cell.line}"
    linecache.cache[file] = (len(cell.source), None, cell.source.splitlines(True), file)
    body = ast.parse(cell.source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), file, "exec"), names)
    if last is not None:
        show(eval(compile(ast.Expression(last.value), file, "eval"), names))


def show(value: Any) -> None:
    """Make a demo's figures, but only the first and the last; print anything else."""
    from course_lib.demo import Explore

    if not isinstance(value, Explore):
        print(repr(value))
        return
    settings = value.settings()
    for index in SETTINGS_OF_A_DEMO:
        value.draw(**settings[index])
        value.describe(settings[index])


def report(path: Path, cell: Cell, error: Exception) -> str:
    """Where it happened, in the chapter's lines, the message, and the lines of code."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in linecache.cache]
    own = [frame for frame in frames if frame.filename.startswith("cell at line")]
    lines = "".join(f"\n    {frame.filename}, line {frame.lineno}: {frame.line}" for frame in own)
    return f"{path.name}, cell at line {cell.line}: {type(error).__name__}: {error}{lines}"
