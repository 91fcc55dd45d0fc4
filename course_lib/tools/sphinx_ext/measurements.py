"""What the last runs measured: the status page, and our numbers beside those of the sources.

``run-status`` reads ``report.json`` and ``claims.json`` of every profile that has been run.
``source-experiments`` and ``source-corrections`` read the syllabus, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import get_translation
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from course_lib.tools import syllabus
from course_lib.tools.chapters import load_json
from course_lib.tools.sphinx_ext.coverage import links, places_of_rows
from course_lib.tools.sphinx_ext.elements import (
    details,
    formula_ahead,
    inline_markdown,
    summary,
    table,
)

_ = get_translation("course")
logger = logging.getLogger(__name__)
READ = ("cpu", "gpu")  # what readers see; the smoke profile stands in before they have been run


class measurements(nodes.General, nodes.Element):
    """Stands for the tables of one ``kind`` until all chapters have been read."""


def _executed(srcdir: str | Path) -> Path:
    """Where the runs of this project are: beside the stage that Sphinx reads."""
    return Path(srcdir).parent / "executed"


def profiles(srcdir: str | Path) -> list[str]:
    """The profiles to show, the one that made the pages first."""
    folder = _executed(srcdir)
    return [name for name in READ if (folder / name / "report.json").is_file()] or ["smoke"]


class _Status:
    """Writes the status page: times, memory, versions and claims of the last runs."""

    def __init__(self, app: Sphinx, docname: str):
        self.app, self.docname = app, docname
        folders = {name: _executed(app.srcdir) / name for name in profiles(app.srcdir)}
        self.reports = {name: load_json(path / "report.json") for name, path in folders.items()}
        self.claims = {
            name: load_json(path / "claims.json").get("claims", [])
            for name, path in folders.items()
        }
        found = {name.rpartition("/")[2]: name for name in self._documents()}
        run = {slug for report in self.reports.values() for slug in report.get("chapters", {})}
        self.chapters = {slug: name for slug, name in found.items() if slug in run}

    def _documents(self) -> list[str]:
        """All pages, in the order of the table of contents where there is one."""
        return list(getattr(self.app.env, "external_site_map", None) or self.app.env.found_docs)

    def nodes(self) -> list[nodes.Node]:
        if not self.chapters:
            return [nodes.paragraph("", _("Nothing has been run yet."))]
        title = nodes.rubric("", _("The claims of each chapter"))
        return [self._runs(), self._times(), title, *self._bands()]

    def _runs(self) -> nodes.bullet_list:
        """One line for each profile: when and where, with which versions."""
        lines = nodes.bullet_list()
        for name, report in self.reports.items():
            versions = ", ".join(
                f"{package} {number}" for package, number in report["versions"].items() if number
            )
            text = _(": %(date)s UTC, %(device)s, with %(versions)s.") % {
                "date": report["date"][:16].replace("T", " "),
                "device": report["device"],
                "versions": versions,
            }
            line = nodes.paragraph("", "", nodes.literal("", name), nodes.Text(text))
            lines += nodes.list_item("", line)
        return lines

    def _times(self) -> nodes.table:
        head = [_("Chapter")]
        for name in self.reports:
            head += [_("%s: time") % name, _("%s: memory") % name, _("%s: claims") % name]
        head.append(_("Data"))
        rows = []
        for slug, docname in self.chapters.items():
            title = nodes.Text(self._title(docname))
            row = [[make_refnode(self.app.builder, self.docname, docname, "", title)]]
            data: dict[str, str] = {}
            for name, report in self.reports.items():
                entry = report["chapters"].get(slug)
                row += [[nodes.Text(cell)] for cell in self._cells(name, slug, entry)]
                data |= entry["data"] if entry else {}
            listed = ", ".join(f"{name} ({source})" for name, source in sorted(data.items()))
            rows.append([*row, [nodes.Text(listed or "–")]])
        return table(head, rows)

    def _cells(self, profile: str, slug: str, entry: dict | None) -> tuple[str, str, str]:
        """Time, memory and claims of one chapter in one profile."""
        if entry is None:
            return "–", "–", "–"
        if entry["status"] not in ("executed", "cached"):
            return entry["status"], "–", "–"
        own = [claim for claim in self.claims[profile] if claim["chapter"] == slug]
        held = sum(claim["ok"] for claim in own)
        claims = str(held) if held == len(own) else str(_("%d of %d hold") % (held, len(own)))
        return f"{entry['seconds']:.0f} s", f"{entry['peak_memory_mb']:.0f} MB", claims

    def _bands(self) -> list[details]:
        """A folded table for each chapter: every claim with its band."""
        folded = []
        for slug, docname in self.chapters.items():
            found: dict[str, dict[str, dict]] = {}
            for profile, listed in self.claims.items():
                for claim in listed:
                    if claim["chapter"] == slug:
                        found.setdefault(claim["name"], {})[profile] = claim
            rows = []
            for name, measured in found.items():
                bands = dict.fromkeys(_band(claim) for claim in measured.values())
                values = [[nodes.Text(_value(measured.get(profile)))] for profile in self.claims]
                rows.append([[nodes.literal("", name)], *values, [nodes.Text(" / ".join(bands))]])
            title = _("%(title)s: %(count)d claims") % {
                "title": self._title(docname),
                "count": len(rows),
            }
            made = table([_("Claim"), *self.claims, _("Band")], rows)
            folded.append(details("", summary("", title), made, classes=["coverage"]))
        return folded

    def _title(self, docname: str) -> str:
        return self.app.env.titles[docname].astext()


def _value(claim: dict[str, Any] | None) -> str:
    if claim is None:
        return "–"
    number = claim["value"]
    text = f"{number:,}" if isinstance(number, int) else f"{number:.4g}"
    return text if claim["ok"] else str(_("%s, outside its band") % text)


def _band(claim: dict[str, Any]) -> str:
    low, high = (
        None if bound is None else f"{bound:,}" if isinstance(bound, int) else f"{bound:.4g}"
        for bound in (claim["low"], claim["high"])
    )
    if low is None and high is None:
        return str(_("none"))
    if low == high:
        return f"= {low}"
    return f"≤ {high}" if low is None else f"≥ {low}" if high is None else f"{low} … {high}"


class RunStatus(SphinxDirective):
    """Times, memory, versions and claims of the last run of each profile."""

    kind = "status"

    def run(self) -> list[nodes.Node]:
        # written anew whenever a page changes, as the coverage tables are, or a run has ended
        self.env.course_coverage_pages.add(self.env.docname)
        for profile in (*READ, "smoke"):
            for file in ("report.json", "claims.json"):
                self.env.note_dependency(str(_executed(self.env.srcdir) / profile / file))
        return [measurements("", formula_ahead(), kind=self.kind)]


class SourceExperiments(RunStatus):
    """The experiments of the source texts: what they claim and what we measured."""

    required_arguments = 1
    kind = "experiments"

    def run(self) -> list[nodes.Node]:
        _relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        (placeholder,) = super().run()
        placeholder["path"] = path
        return [placeholder]


class SourceCorrections(SourceExperiments):
    """Statements of the source texts that are wrong, with the correct ones."""

    kind = "corrections"


def fill_measurements(app: Sphinx, document: nodes.document, docname: str) -> None:
    """Replace the placeholders by their tables."""
    for placeholder in list(document.findall(measurements)):
        if placeholder["kind"] == "status":
            made = _Status(app, docname).nodes()
        else:
            made = [_sources(app, docname, placeholder["kind"], Path(placeholder["path"]))]
        placeholder.parent.replace(placeholder, made)


def _sources(app: Sphinx, docname: str, kind: str, path: Path) -> nodes.table:
    if kind == "experiments":
        head = [_("Row"), _("Experiment"), _("Claimed"), _("Measured"), _("Where")]
        rows = _experiments(app, path)
    else:
        head = [_("Row"), _("A source says"), _("Correct"), _("Where")]
        rows = [
            [x.id, inline_markdown(x.says), inline_markdown(x.correct)]
            for x in syllabus.corrections(path)
        ]
    places = places_of_rows(app)
    cells = [
        [[nodes.Text(row)], *others, links(app, docname, places[row])] for row, *others in rows
    ]
    return table(head, cells)


def _experiments(app: Sphinx, path: Path) -> list[list]:
    """Each experiment with what it claims and our numbers for it."""
    profile = profiles(app.srcdir)[0]
    listed = load_json(_executed(app.srcdir) / profile / "claims.json").get("claims", [])
    values = {claim["name"]: claim["value"] for claim in listed}
    rows = []
    for x in syllabus.experiments(path):
        what = inline_markdown(f"{x.data}; {x.model}; {x.settings}".replace("; –", ""))
        measured: list[nodes.Node] = []
        for description, reference in x.measured.items():
            name, _colon, form = reference.partition(":")
            if name not in values:
                logger.warning("syllabus row %s: no claim is called %r", x.id, name)
                continue
            measured += [nodes.Text("; ")] if measured else []
            measured += inline_markdown(f"{description}: {values[name]:{form}}")
        rows.append([x.id, what, inline_markdown(x.claimed), measured or [nodes.Text("–")]])
    return rows


def setup(app: Sphinx) -> None:
    app.add_node(measurements)
    app.add_directive("run-status", RunStatus)
    app.add_directive("source-experiments", SourceExperiments)
    app.add_directive("source-corrections", SourceCorrections)
    app.connect("doctree-resolved", fill_measurements)
