"""Whether this machine can give the sandbox, and if not, what helps.

``python -m course_lib.tools.grading.engine.probe`` puts itself into one and does nothing there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from course_lib.tools.grading.engine import sandbox

SECONDS = 60
SETTINGS = (
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
)
IN_A_CONTAINER = (
    "this looks like a container: start it with the right to make name spaces (docker run "
    "--privileged, or --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt "
    "apparmor=unconfined --security-opt systempaths=unconfined)"
)
ELSEWHERE = "grade on a Linux machine of your own, in a virtual one, or in WSL 2"


def probe() -> str:
    """Why there is no sandbox on this machine; empty where there is one."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux"
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"a process did not come out of it within {SECONDS} seconds"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]


def advice(
    settings: tuple[tuple[str, str, str], ...] = SETTINGS, containers: tuple[str, ...] = ()
) -> str:
    """What a person can do on a machine that refuses the sandbox.

    Args:
        settings: files of the kernel, the value that forbids name spaces, and what to set.
        containers: files that are there in a container only.
    """
    if not sys.platform.startswith("linux"):
        return ELSEWHERE
    wrong = [new for path, forbids, new in settings if _content(path) == forbids]
    if wrong and os.geteuid() != 0:
        commands = " and ".join(f"'sudo sysctl -w {setting}'" for setting in wrong)
        return f"the kernel forbids name spaces to ordinary users; allow them: {commands}"
    if any(Path(path).exists() for path in containers or ("/.dockerenv", "/run/.containerenv")):
        return IN_A_CONTAINER
    return ELSEWHERE


def _content(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def main() -> None:
    """Do what a nursery and a worker do; the last line on the error output says what fails."""
    try:
        sandbox.build(sandbox.needed_paths())
        child = sandbox.Spaces().fork()
        if not child:
            sandbox.enter(sandbox.Limits())
            os._exit(0)
        _pid, status = os.waitpid(child, 0)
    except (sandbox.NoSandbox, OSError) as error:
        sys.exit(str(error))
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
