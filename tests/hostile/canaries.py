"""Secrets and places that no submission may reach, and the code with which submissions look.

The values are nowhere in the code of a submission: where one appears in what grading wrote, it was
found at its place.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

VARIABLE = "COURSE_CANARY"
TRACE = "hostile-was-here"  # begins the name of every file that a submission leaves outside
ABSTRACT = "\0hostile-canary"  # a Unix socket without a file
WORDS = {
    "environment": "8c41d2",  # a variable in the environment of `course grade`
    "gradebook": "51f3a7",  # the last name of a student in gradebook.db
    "hidden": "e07b96",  # a comment in every hidden test; graders may see it, students may not
    "home": "b6d803",  # a file in the home folder
    "machine": "2fa9c5",  # printed by what may do harm when it is not contained, and then does none
    "neighbor": "93e1b4",  # a cell of another submission
    "outside": "c2750e",  # a file outside the course
    "port": "7d6a1f",  # what listens on this machine answers
    "process": "40b8e9",  # an argument of a running process
    "scratch": "f1937c",  # what another submission left in /tmp, /var/tmp and /dev/shm
    "solution": "a85d20",  # a comment in the reference solution
}
CANARIES = {word: f"canary-{word}-{number}" for word, number in WORDS.items()}

LOOK = """
import os, re, socket, subprocess, sys, time
from pathlib import Path

ROOT, HOME, OUTSIDE = map(Path, {places})
PORT, WITNESS = {port}, {witness}
CANARY = re.compile(rb"canary[-][a-z]+[-][0-9a-f]{{6}}")

def show(data):
    data = data if isinstance(data, bytes) else str(data).encode(errors="replace")
    found = [word.decode() for word in sorted(set(CANARY.findall(data)))]
    print(*found)
    return found

def read(*paths):
    for path in paths:
        try:
            show(Path(path).read_bytes())
        except OSError:
            pass

def contained():
    # Whether the machine's processes and files are out of sight; else no harm is done.
    seen = (ROOT / "nbgrader_config.py").exists()
    try:
        os.kill(WITNESS, 0)
        try:
            seen |= b"canary" in Path(f"/proc/{{WITNESS}}/cmdline").read_bytes()
        except OSError:
            seen = True
    except OSError:
        pass
    if seen:
        print("canary" + "-machine-{machine}")
    return not seen
"""


@dataclass
class Facts:
    """Where the canaries of one class are, for the submissions that try to reach them."""

    root: str
    home: str
    outside: str
    port: int = 9
    witness: int = 2**22  # no process has a greater id

    @classmethod
    def around(cls, submission: Path) -> Facts:
        """Those of the class that ``<root>/grading/submitted/<student>/<assignment>`` is in."""
        root = submission.parents[3]
        record = root.parent / "facts.json"
        if record.exists():
            return cls(**json.loads(record.read_text()))
        return cls(str(root), str(root.parent / "home"), str(root.parent / "outside"))

    def look(self) -> str:
        """The source of a cell that knows the places and has functions to look there."""
        places = [self.root, self.home, self.outside]
        numbers = {"port": self.port, "witness": self.witness, "machine": WORDS["machine"]}
        return LOOK.strip().format(places=places, **numbers)


@dataclass
class Planted:
    """Planted canaries: files, a process, and servers that note who comes."""

    facts: Facts
    witness: subprocess.Popen
    servers: list[socket.socket]
    visits: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {VARIABLE: CANARIES["environment"], "HOME": self.facts.home}

    def remove(self) -> None:
        self.witness.kill()
        self.witness.wait()
        for server in self.servers:
            server.close()


def plant(root: Path) -> Planted:
    """Put canaries beside a course folder; ``remove`` ends the process and the servers."""
    home, outside = root.parent / "home", root.parent / "outside"
    for folder, word in ((home, "home"), (outside, "outside")):
        folder.mkdir()
        (folder / "precious.txt").write_text(CANARIES[word])
    sleep = [sys.executable, "-c", "import time; time.sleep(36000)", CANARIES["process"]]
    environment = {**os.environ, VARIABLE: CANARIES["environment"]}
    witness = subprocess.Popen(sleep, env=environment, stdin=subprocess.DEVNULL)
    stream = socket.create_server(("127.0.0.1", 0))
    port = stream.getsockname()[1]
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagram.bind(("127.0.0.1", port))
    local, abstract = (socket.socket(socket.AF_UNIX) for _ in range(2))
    local.bind(str(outside / "socket"))
    abstract.bind(f"{ABSTRACT}-{port}")
    facts = Facts(str(root), str(home), str(outside), port, witness.pid)
    (root.parent / "facts.json").write_text(json.dumps(asdict(facts)))
    planted = Planted(facts, witness, [stream, datagram, local, abstract])
    for server in planted.servers:
        threading.Thread(target=_answer, args=(server, planted.visits), daemon=True).start()
    return planted


def _answer(server: socket.socket, visits: list[str]) -> None:
    name = str(server.getsockname())
    try:
        if server.type == socket.SOCK_DGRAM:
            while server.recv(100):
                visits.append(name)
        server.listen()
        while True:
            connection, _ = server.accept()
            visits.append(name)
            connection.sendall(CANARIES["port"].encode())
            connection.close()
    except OSError:  # closed
        return
