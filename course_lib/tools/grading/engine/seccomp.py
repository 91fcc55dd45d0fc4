"""A filter of system calls (seccomp): those that no notebook needs and that reach into the kernel.

Name spaces keep a process from seeing others; this keeps it from making new name spaces, tracing
processes, and holding memory that no limit counts. Such a call returns the error ``EPERM``.
"""

from __future__ import annotations

import ctypes
import platform
import struct

# Numbers of the kernel's tables: x86-64, and the common table that 64-bit ARM uses.
CALLS = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "personality": (135, 92),
    "vhangup": (153, 58),
    "name_to_handle_at": (303, 264),
}
CLONE, CLONE3 = (56, 220), (435, 435)
NEW_SPACES = 0x7E020080  # the flags of clone that make name spaces; time's is clone3's alone
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
X32_BIT = 0x40000000

ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS = 1, 38
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # places in the record that a filter sees

PR_SET_SECCOMP, FILTER = 22, 2


def install() -> None:
    """Put the filter on this process and all that it starts; it cannot be taken off.

    Raises:
        OSError: the kernel refuses, or the machine is of a kind that the filter does not know.
    """
    if platform.machine() not in MACHINES:
        raise OSError(f"no filter of system calls for {platform.machine()} processors")
    program = _program(*MACHINES[platform.machine()])
    buffer = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, FILTER, header, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses the filter of system calls")


def _program(column: int, architecture: int) -> bytes:
    """The filter in the kernel's small language: 8 bytes an instruction.

    Args:
        column: of the tables above.
        architecture: the kernel's name for the processor; other calls end the process.
    """

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    refuse, unknown = REFUSE | EPERM, REFUSE | ENOSYS
    steps = [
        step(LOAD, ARCHITECTURE),
        step(JUMP_EQUAL, architecture, 1, 0),
        step(RETURN, KILL),
        step(LOAD, NUMBER),
        step(JUMP_AT_LEAST, X32_BIT, 0, 1),
        step(RETURN, refuse),
        step(JUMP_EQUAL, CLONE3[column], 0, 1),
        step(RETURN, unknown),  # libraries then use clone, whose flags can be seen
    ]
    for numbers in CALLS.values():
        steps += [step(JUMP_EQUAL, numbers[column], 0, 1), step(RETURN, refuse)]
    steps += [
        step(JUMP_EQUAL, CLONE[column], 0, 3),
        step(LOAD, FIRST_ARGUMENT),
        step(JUMP_BITS, NEW_SPACES & ~0x80, 0, 1),
        step(RETURN, refuse),
        step(RETURN, ALLOW),
    ]
    return b"".join(steps)
