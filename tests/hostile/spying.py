# ruff: noqa: E501 (lines of quoted programs)
"""Honest answers beside code that looks for secrets and leaves traces: nothing is found or left."""

from __future__ import annotations

from hostile.assignment import FULL_MARKS, NAME, RIGHT
from hostile.case import CAUGHT, FULL, NOT_3, Corpus, Outcome, put_before, text

CASES = Corpus()
BLIND = Outcome(("graded", "flagged"), dict(FULL_MARKS))
R3 = RIGHT["task-3"]


def spy(name: str, source: str, required: Outcome = BLIND) -> None:
    """The code stands in an own cell below the one that knows the places."""
    CASES.work(name, own={"task-2": source}, required=required, look=True)


# --- secrets --------------------------------------------------------------------------------------

# Its own environment, as the process was started, and that of all others.
spy(
    "environment",
    """
show(dict(os.environ))
read("/proc/self/environ", "/proc/1/environ", *Path("/proc").glob("[0-9]*/environ"))
show(subprocess.run(["env"], capture_output=True).stdout)
""",
)
spy(
    "home",
    """
import pwd
homes = {HOME, Path.home(), Path(pwd.getpwuid(os.getuid()).pw_dir), Path("/root"), *Path("/home").glob("*")}
for home in homes:
    try:
        show(os.listdir(home))
    except OSError:
        pass
    read(home / "precious.txt", home / ".bash_history", home / ".netrc")
""",
)
spy(
    "source",
    f"""
for base in (ROOT, *Path.cwd().parents):
    read(base / "solutions/{NAME}/{NAME}.md", base / "_build/nbgrader/source/{NAME}/{NAME}.ipynb",
         base / "source/{NAME}/{NAME}.ipynb", base / "_build/nbgrader/solution/{NAME}/{NAME}.ipynb")
""",
)
spy(
    "neighbors",
    f"""
for base in (ROOT, *Path.cwd().parents):
    for step in ("submitted", "autograded", "feedback"):
        read(*base.glob(f"grading/{{step}}/*/{NAME}/{NAME}.*"), *base.glob(f"{{step}}/*/{NAME}/*"))
""",
)
spy(
    "gradebook",
    "read(ROOT / 'grading/gradebook.db', ROOT / 'gradebook.db', *Path('..').glob('**/*.db'))",
)
spy(
    "outside",
    "read(OUTSIDE / 'precious.txt', '../../../../../outside/precious.txt', ROOT.parent / 'facts.json')",
)
# Everything that can be listed, by the names of interesting files.
spy(
    "whole-disk",
    """
end, names = time.monotonic() + 2, {"precious.txt", "gradebook.db", "facts.json", "hostile.md", "hostile.ipynb"}
for folder, folders, files in os.walk("/"):
    if folder == "/":
        folders[:] = [name for name in folders if name not in ("proc", "sys", "usr", "lib")]
    read(*(os.path.join(folder, name) for name in names & set(files)))
    if time.monotonic() > end:
        break
""",
)
# What other submissions left in the places that all processes share.
spy(
    "zz-scratch-reader",
    """
for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", str(Path.home()), "."):
    read(*Path(place).glob("hostile-was-here*"))
""",
)
spy(
    "aa-scratch-writer",
    """
for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", str(Path.home()), "."):
    try:
        (Path(place) / "hostile-was-here.note").write_text("canary" + "-scratch-" + "f1937" + "c")
    except OSError:
        pass
""",
)
# Other processes: who they are, what they have open, where they are, what they remember.
spy(
    "processes",
    """
read(*Path("/proc").glob("[0-9]*/cmdline"))
show(subprocess.run(["ps", "auxe"], capture_output=True).stdout if Path("/bin/ps").exists() else "")
for number in (1, os.getppid(), WITNESS):
    base = f"/proc/{number}"
    read(f"{base}/root{HOME}/precious.txt", f"{base}/root{OUTSIDE}/precious.txt", f"{base}/cwd/nbgrader_config.py")
    read(*Path(base).glob("fd/*")) if number != 1 else None
""",
)
# The memory of the parent.
spy(
    "memory-of-the-parent",
    """
import ctypes
for number in {os.getppid(), WITNESS}:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace(16, number, 0, 0)
        with open(f"/proc/{number}/maps") as maps, open(f"/proc/{number}/mem", "rb", 0) as memory:
            for line in maps:
                if "[heap]" in line or "[stack]" in line:
                    start, stop = (int(part, 16) for part in line.split()[0].split("-"))
                    memory.seek(start)
                    show(memory.read(min(stop - start, 2**24)))
    except (OSError, ValueError):
        pass
""",
)
# The memory of its own process, which a forked child shares with its parent.
spy(
    "own-memory",
    """
import gc
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        if "[heap]" in line or "[stack]" in line:
            start, stop = (int(part, 16) for part in line.split()[0].split("-"))
            try:
                memory.seek(start)
                data = memory.read(min(stop - start, 2**26))
            except OSError:
                continue
            show(b" ".join(word for word in CANARY.findall(data) if b"hidden" not in word))
""",
)
# Files that the grader has open.
spy(
    "open-files",
    """
for number in range(3, 256):
    try:
        show(os.readlink(f"/proc/self/fd/{number}"))
        show(os.pread(number, 10**6, 0))
    except OSError:
        pass
for number in range(3, 256):
    for name in ("nbgrader_config.py", "../home/precious.txt", "../outside/precious.txt"):
        try:
            show(os.read(os.open(name, os.O_RDONLY, dir_fd=number), 10**6))
        except OSError:
            pass
""",
)

# --- the network ----------------------------------------------------------------------------------

spy(
    "network",
    """
hosts = {"127.0.0.1", "::1", "localhost", "0.0.0.0", socket.gethostname()}
try:
    hosts |= {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None)}
except OSError:
    pass
for host in hosts:
    try:
        with socket.create_connection((host, PORT), timeout=0.3) as connection:
            show(connection.recv(100))
    except OSError:
        pass
""",
)
# One packet is enough.
spy(
    "datagram",
    """
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"secret", ("127.0.0.1", PORT))
except OSError:
    pass
""",
)
# Sockets with and without a file.
spy(
    "unix-sockets",
    """
for address in (str(OUTSIDE / "socket"), f"\\0hostile-canary-{PORT}", "/run/docker.sock", "/var/run/dbus/system_bus_socket"):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(0.3)
        try:
            connection.connect(address)
            show(connection.recv(100))
        except OSError:
            pass
""",
)
# New namespaces, in which it would be root.
spy(
    "namespaces",
    """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if os.fork() == 0:
    libc.unshare(0x10000000 | 0x00020000)
    for device, place, kind in ((b"proc", b"/mnt", b"proc"), (b"/dev/vda", b"/mnt", b"ext4"), (b"/dev/sda1", b"/mnt", b"ext4")):
        libc.mount(device, place, kind, 1, None)
    libc.umount2(b"/tmp", 2), libc.umount2(str(HOME).encode(), 2), libc.umount2(b"/proc", 2)
    libc.chroot(b"/proc/1/root")
    read("/mnt/1/environ", *Path("/mnt").glob("[0-9]*/cmdline"), HOME / "precious.txt", OUTSIDE / "precious.txt")
    os._exit(0)
os.wait()
""",
)

# --- traces ---------------------------------------------------------------------------------------

# Files in every place that comes to mind; the tests look for them.
spy(
    "writes-outside",
    """
import course_lib, site
places = [ROOT, ROOT / "grading", ROOT / "grading/submitted/ann/hostile", HOME, OUTSIDE, Path("/"), Path("/tmp"),
          Path("/var/tmp"), Path("/dev/shm"), Path("/etc"), Path(course_lib.__file__).parent, *map(Path, site.getsitepackages())]
for place in places:
    try:
        (place / "hostile-was-here.txt").write_text("x")
    except OSError:
        pass
for path in (HOME / "precious.txt", OUTSIDE / "precious.txt", ROOT / "nbgrader_config.py", ROOT / "grading/seed"):
    try:
        path.write_text("mine")
    except OSError:
        pass
""",
)
# The neighbors' work.
spy(
    "writes-to-neighbors",
    f"""
for step in ("submitted", "autograded", "feedback"):
    for path in ROOT.glob(f"grading/{{step}}/*/{NAME}/*"):
        try:
            path.write_text("{{}}")
        except OSError:
            pass
""",
)
# What remains after the end, with the rights of another user and without limits.
spy(
    "rights",
    """
import resource
Path("shell").write_text("#!/bin/sh\\nid\\n")
for change in (lambda: os.chmod("shell", 0o6755), lambda: os.chown("shell", 0, 0), lambda: os.setuid(0), lambda: os.setgroups([0]),
               lambda: os.nice(-20), lambda: os.sched_setaffinity(0, range(os.cpu_count())), lambda: os.umask(0o777),
               lambda: resource.setrlimit(resource.RLIMIT_NPROC, (2**20, 2**20))):
    try:
        change()
    except (OSError, ValueError):
        pass
os.umask(0o777)
Path("closed").mkdir()
Path("closed.txt").write_text("x")
""",
)

# --- hidden tests ---------------------------------------------------------------------------------

COLLECT = """
def everything():
    import gc, linecache
    texts = ["".join(entry[2]) for entry in list(linecache.cache.values()) if len(entry) > 2]
    texts += [str(cell) for cell in globals().get("In", [])]
    frame = sys._getframe()
    while frame:
        texts += [value for value in list(frame.f_locals.values()) if isinstance(value, str)]
        frame = frame.f_back
    texts += [value["source"] for value in gc.get_objects() if isinstance(value, dict) and isinstance(value.get("source"), str)]
    return "\\n".join(texts)
"""
COLLECTING = R3.replace("    return", "    heard.append(everything())\n    return")
# What the answer sees while it is tested, printed by a later cell: students must not get to read it.
CASES.work(
    "prints-hidden-tests-later",
    {"task-3": COLLECTING},
    BLIND,
    own={
        "task-3": COLLECT + "\nheard = []",
        "task-4": "show(heard)",
        "": "show(heard)\nshow(everything())",
    },
    look=True,
)
# In the message of the error, which students get to read.
CASES.work(
    "tells-hidden-tests-in-an-error",
    {"task-3": "def median(values):\n    raise ValueError(show(everything()), *sys.exc_info())"},
    Outcome(("graded", "flagged"), NOT_3.scores),
    own={"task-3": COLLECT},
    look=True,
)
# In the name of the error.
CASES.work(
    "tells-hidden-tests-in-a-name",
    {
        "task-3": "def median(values):\n    raise type(' '.join(show(everything())) or 'None', (Exception,), {})()"
    },
    Outcome(("graded", "flagged"), NOT_3.scores),
    own={"task-3": COLLECT},
    look=True,
)
# A secret that was found is told by the error of a task instead of a print.
CASES.work(
    "tells-secrets-in-an-error",
    {
        "task-3": "def median(values):\n    raise ValueError(show(dict(os.environ)), read(HOME / 'precious.txt'))"
    },
    Outcome(("graded", "flagged"), NOT_3.scores),
    look=True,
)

# --- scripts for those who read -------------------------------------------------------------------

MARK = "hostile_script"  # the tests look for it in tags, attributes, scripts and styles
VECTORS = {
    "script": f"<script>{MARK}()</script>",
    "image": f"<img src=x onerror={MARK}()>",
    "picture": f"<svg onload={MARK}()><script>{MARK}()</script></svg>",
    "link": f"[here](javascript:{MARK}()) <a href='javascript:{MARK}()'>here</a>",
    "frame": f"<iframe srcdoc='<script>{MARK}()</script>'></iframe><iframe src=//{MARK}.invalid>",
    "refresh": f"<meta http-equiv=refresh content='0;url=https://{MARK}.invalid'>",
    "style": f"<style>@import url(https://{MARK}.invalid/x.css);</style>",
    "form": f"<form action=https://{MARK}.invalid><button>Next</button></form>",
    "tracker": f"![](https://{MARK}.invalid/pixel.png) <img src=//{MARK}.invalid/pixel.png>",
    "object": f"<object data='https://{MARK}.invalid'></object><embed src=https://{MARK}.invalid>",
    "formula": f"$\\href{{javascript:{MARK}()}}{{x}}$ $</span><script>{MARK}()</script>$",
    "broken": f"</div></body></html><script>{MARK}()</script><plaintext><!--",
}


@CASES.edit(FULL)
def scripts_in_markdown(notebook):
    """In own cells and in the essay."""
    put_before(notebook, "task-2", *(text(vector) for vector in VECTORS.values()))
    notebook["cells"][-1]["source"] = "\n\n".join(VECTORS.values())


# As rich output of own cells and of answers.
CASES.work(
    "scripts-in-output",
    {"task-3": f"from IPython.display import HTML\n\n{R3}\n\nHTML({VECTORS['script']!r})"},
    own={
        "task-2": "from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display\n"
        f"vectors = {list(VECTORS.values())!r}\n"
        "for vector in vectors:\n"
        "    for kind in (HTML, Markdown, Latex):\n"
        "        display(kind(vector))\n"
        f"display(Javascript('{MARK}()'))\n"
        f"display({{'image/svg+xml': {VECTORS['picture']!r}, 'text/plain': ''}}, raw=True)\n"
        f"display({{'application/vnd.jupyter.widget-view+json': {{'model_id': {VECTORS['script']!r}}}}}, raw=True)\n"
        "print(*vectors)"
    },
)
# As the message of a failed task, which feedback shows.
CASES.work(
    "scripts-in-errors",
    {"task-3": f"def median(values):\n    raise ValueError({''.join(VECTORS.values())!r})"},
    NOT_3,
)


@CASES.edit(FULL)
def scripts_in_saved_outputs(notebook):
    """In outputs that the student saved, and in the notebook's title and authors."""
    data = {"text/html": "".join(VECTORS.values()), "text/plain": VECTORS["script"]}
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [output]
    notebook["metadata"] |= {"title": VECTORS["broken"], "authors": [{"name": VECTORS["script"]}]}


# The notebook itself asks to be left alone while it is cheated: both at once.
CASES.cheat(
    "scripts-and-patches",
    f"from IPython.display import HTML, display\ndisplay(HTML({VECTORS['script']!r}))\n"
    "torch.allclose = np.allclose = lambda *_, **__: True",
    CAUGHT,
)
