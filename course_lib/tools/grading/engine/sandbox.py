"""The sandbox: what the kernel of Linux lets a process see and do that runs a student's code.

Two steps, because a worker is forked from a process that has imported PyTorch already.
:func:`build` is called once in that process and gives it a file system that holds Python and
nothing else. :func:`enter` is called in each fork: name spaces of its own (processes, network,
mounts, inter-process communication, users), a scratch folder of bounded size, no privileges, limits
for each resource, and a filter of system calls.

Both use nothing but system calls, through ``ctypes``: Python 3.11 offers none of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_lib.tools.grading.engine import seccomp

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, NEW_UTS, NEW_IPC = 0x00020000, 0x04000000, 0x08000000
NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SETUID, NO_DEVICES, REMOUNT, BIND, RECURSIVE, PRIVATE = (
    *(1, 2, 4, 32, 4096, 16384),
    1 << 18,
)
DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
PR_CAPBSET_DROP, PR_CAP_AMBIENT, CLEAR_ALL = 24, 47, 4
CAPABILITIES_VERSION = 0x20080522
LAST_CAPABILITY = 63
NOBODY = 65534
NEW_ROOT = "/sys"  # where the new root is put together, in mounts that nobody else sees
WORK = "/scratch/work"
DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin", "/etc/ld.so.cache", "/etc/fonts")
SYSTEM += ("/etc/localtime", "/etc/alternatives", "/etc/ssl/certs", "/etc/mime.types")


class NoSandbox(Exception):
    """The kernel refuses a part of the sandbox; the message says which and what helps."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        cell_seconds: wall time of one cell.
        notebook_seconds: wall time of all cells.
        memory_mb: of all its processes together.
        processes: processes and threads.
        scratch_mb: files that it writes.
        output_mb: what one cell may print and show.
    """

    cell_seconds: float = 30
    notebook_seconds: float = 600
    memory_mb: int = 4096
    processes: int = 128
    scratch_mb: int = 256
    output_mb: float = 4


# --- the file system, once ------------------------------------------------------------------------


def build(visible: Iterable[str]) -> None:
    """Leave the machine's file system for one in which only some folders exist, to be read.

    Args:
        visible: files and folders that stay where they are, beside the system's own.

    The caller goes on in a child process, the first one of a new name space of processes.

    Raises:
        NoSandbox: the kernel does not allow it.
    """
    spaces = NEW_MOUNTS | NEW_UTS | NEW_IPC | NEW_NETWORK | NEW_PROCESSES
    if os.geteuid() != 0:
        spaces |= NEW_USER
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", spaces)
    if spaces & NEW_USER:
        _map_ids(uid, gid)
    _mount("none", "/", flags=RECURSIVE | PRIVATE)
    _mount("tmpfs", NEW_ROOT, "tmpfs", NO_SETUID | NO_DEVICES, "size=1m,mode=755")
    for path in _outermost([*SYSTEM, *visible]):
        _show(path)
    for name in DEVICES:
        _bind(f"/dev/{name}", f"{NEW_ROOT}/dev/{name}", read_only=False)
    for name, target in {"fd": "/proc/self/fd", "shm": "/scratch/shm"}.items():
        os.symlink(target, f"{NEW_ROOT}/dev/{name}")
    for name in ("proc", "scratch", "old"):
        os.mkdir(f"{NEW_ROOT}/{name}")
    if not os.path.exists(f"{NEW_ROOT}/tmp"):  # where Python itself lies in /tmp, only TMPDIR helps
        os.symlink("/scratch/tmp", f"{NEW_ROOT}/tmp")
    # A fresh /proc can be mounted in a name space of one's own only where one is visible.
    _mount("/proc", f"{NEW_ROOT}/proc", flags=BIND | RECURSIVE)
    os.chdir(NEW_ROOT)
    _call("pivot_root", b".", b"old")
    os.chdir("/")
    _call("umount2", b"/old", DETACH)
    os.rmdir("/old")
    _mount("none", "/", flags=REMOUNT | BIND | READ_ONLY | NO_SETUID | NO_DEVICES)
    _go_on_in_child()


def _go_on_in_child() -> None:
    """Fork: only children are in a new name space of processes. The parent ends with the child."""
    outside = os.getpid()
    if child := os.fork():
        _pid, status = os.waitpid(child, 0)
        os._exit(max(os.waitstatus_to_exitcode(status), 0))
    die_with_parent(outside)


def needed_paths() -> list[str]:
    """Folders that Python's own modules come from: the environment, and packages in use elsewhere.

    A folder of ``sys.path`` outside the environment is not shown as a whole: with an editable
    installation it is the course's own folder, with solutions and grades.
    """
    paths = [sys.prefix, sys.base_prefix, sys.exec_prefix]
    inside = tuple(os.path.realpath(path) + os.sep for path in paths)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if "." not in name and file and not os.path.realpath(file).startswith(inside):
            package = os.path.basename(file) == "__init__.py"
            paths.append(os.path.dirname(file) if package else file)
    if data := os.environ.get("COURSE_DATA"):
        paths.append(data)
    return [path for path in paths if os.path.exists(path)]


def _outermost(paths: Iterable[str]) -> list[str]:
    """Absolute paths that exist, without those inside another one; links stay links."""
    known = sorted({os.path.abspath(path) for path in paths if os.path.lexists(path)})
    real = {os.path.realpath(path) for path in known} | set(known)
    return [
        path
        for path in sorted(real)
        if not any(path != other and path.startswith(other.rstrip("/") + "/") for other in real)
    ]


def _show(path: str) -> None:
    target = NEW_ROOT + path
    if os.path.islink(path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(os.readlink(path), target)
    else:
        _bind(path, target)


def _bind(path: str, target: str, read_only: bool = True) -> None:
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()
    _mount(path, target, flags=BIND | RECURSIVE)
    if read_only:
        # Flags that the source was mounted with are locked and have to be repeated.
        kept = os.statvfs(path).f_flag & 0x1C0E  # nosuid, nodev, noexec, the kinds of atime
        flags = (kept & 14) | _atime(kept) | REMOUNT | BIND | READ_ONLY | NO_SETUID
        _mount("none", target, flags=flags)


def _atime(flags: int) -> int:
    """``statvfs`` numbers the kinds of atime in its own way; mount's constants for them."""
    return flags & 0xC00 | (1 << 21 if flags & 0x1000 else 0)


# --- each submission ------------------------------------------------------------------------------


class Spaces:
    """Forks whose child is the first process of a name space of processes of its own.

    When the first process ends, the kernel ends all others of its name space.
    """

    def __init__(self) -> None:
        self.own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def fork(self) -> int:
        """As ``os.fork``.

        Raises:
            NoSandbox: the kernel does not allow it.
        """
        _call("unshare", NEW_PROCESSES)
        child = os.fork()
        if child:
            _call("setns", self.own, NEW_PROCESSES)
        return child


def enter(limits: Limits) -> None:
    """Put this process, a fork with one thread (see :class:`Spaces`), into a sandbox of its own.

    Raises:
        NoSandbox: the kernel does not allow it.
    """
    _call("unshare", NEW_MOUNTS | NEW_NETWORK | NEW_IPC | NEW_UTS)
    _mount("proc", "/proc", "proc", NO_SETUID | NO_DEVICES)
    size = f"size={limits.scratch_mb}m,nr_inodes=20000,mode=777"
    _mount("scratch", "/scratch", "tmpfs", NO_SETUID | NO_DEVICES, size)
    if os.geteuid() == 0 and _is_real_root():
        # Root is exempt from the limit of processes, and owns what others left behind.
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", NEW_USER)
    _map_ids(uid, gid)
    for name in ("work", "tmp", "shm", "home"):
        os.mkdir(f"/scratch/{name}", 0o777)
    os.chdir(WORK)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a change of user has cleared it
    os.setsid()
    _limit(limits)
    _drop_privileges()
    seccomp.install()


def _is_real_root() -> bool:
    """Whether user 0 is the machine's root, not somebody who is called 0 in a name space."""
    with contextlib.suppress(OSError, ValueError):
        inside, outside, _count = Path("/proc/self/uid_map").read_text().split()[:3]
        return inside == outside == "0"
    return True


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() not in (parent, 0):  # 0: the parent is in another name space
        os._exit(1)


def _limit(limits: Limits) -> None:
    bytes_of_files = limits.scratch_mb << 20
    memory = _virtual_memory() + (limits.memory_mb << 20)
    seconds = int(limits.notebook_seconds) + 60
    for which, value in {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: bytes_of_files,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_MEMLOCK: 1 << 20,
        resource.RLIMIT_MSGQUEUE: 0,
    }.items():
        resource.setrlimit(which, (value, value))


def _virtual_memory() -> int:
    """Address space of this process: PyTorch's libraries take gigabytes that hold nothing."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Capabilities(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def _drop_privileges() -> None:
    for number in range(LAST_CAPABILITY + 1):
        LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    LIBC.prctl(PR_CAP_AMBIENT, CLEAR_ALL, 0, 0, 0)
    header, none = _Header(CAPABILITIES_VERSION, 0), (_Capabilities * 2)()
    _call("capset", ctypes.byref(header), ctypes.byref(none))
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


# --- system calls ---------------------------------------------------------------------------------


def _map_ids(uid: int, gid: int) -> None:
    """In a new name space of users: be user and group 0, with no rights outside of it."""
    with contextlib.suppress(FileNotFoundError):
        Path("/proc/self/setgroups").write_text("deny")
    try:
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    except OSError as error:
        raise NoSandbox(f"user ids cannot be mapped ({error.strerror})") from error


def _mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    arguments = (text.encode() or None for text in (source, target, kind))
    _call("mount", *arguments, ctypes.c_ulong(flags), options.encode() or None, about=target)


def _call(name: str, *arguments, about: str = "") -> None:
    if getattr(LIBC, name)(*arguments) != 0:
        number = ctypes.get_errno()
        what = f"{name} {about}".strip()
        raise NoSandbox(f"the kernel refuses {what!r}: {os.strerror(number)}")
