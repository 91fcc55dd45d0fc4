"""Where the book is published: its repository, its address, and what depends on them.

``_config.yml`` names both, and both may be empty: then the buttons that would lead nowhere, the
sitemap and the social cards are left out. A workflow that publishes a fork sets the environment
variables ``COURSE_REPOSITORY`` and ``COURSE_SITE`` instead.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ConfigError
from sphinx.locale import get_translation

from course_lib.tools.chapters import write_atomic
from course_lib.tools.sphinx_ext.notebooks import BRANCH, FOLDER, is_chapter

ICON = "assets/icon.png"
_ = get_translation("course")
ADDRESS = re.compile(r"https?://[^\s/]+(/[^\s?#]*)?")


def _address(name: str, configured: str, variable: str) -> str:
    """An address from the configuration or the environment, without a slash at its end.

    Raises:
        ConfigError: it is no address.
    """
    address = configured or os.environ.get(variable, "")
    if address and not ADDRESS.fullmatch(address):
        raise ConfigError(
            f"{name} in _config.yml (or {variable}) is {address!r}; "
            "it must be empty or begin with https://"
        )
    return address.rstrip("/")


def configure(app: Sphinx) -> None:
    """Set what depends on the two addresses, before other extensions read it."""
    options: dict[str, Any] = app.config.html_theme_options
    repository = _address("repository: url", options.get("repository_url", ""), "COURSE_REPOSITORY")
    site = _address("html: baseurl", app.config.html_baseurl, "COURSE_SITE")
    if repository and not re.search(r"//[^/]+/.+/[^/]+$", repository):
        raise ConfigError(f"repository: url is {repository!r}; it must end with /OWNER/REPOSITORY")
    app.add_config_value("course_repository", repository, "html")
    app.add_config_value("course_branch", options.get("repository_branch") or "main", "html")
    if repository:
        options["repository_url"] = repository
        buttons = ("use_repository_button", "use_edit_page_button", "use_issues_button")
        options |= dict.fromkeys(buttons, True)
    else:
        options.pop("launch_buttons", None)
    app.config.html_copy_source = False  # readers download the notebooks that are made for it
    app.config.html_domain_indices = False  # sphinx-proof's lists the labels in the sources
    app.config.html_baseurl = f"{site}/" if site else ""
    app.setup_extension("notfound.extension")
    top = app.config.notfound_urls_prefix = f"{urlsplit(site).path}/" if site else "/"
    app.config.notfound_context = {
        "title": _("Page not found"),
        "pagetitle": _("Page not found"),
        "body": f"<h1>{_('Page not found')}</h1>\n<p>{_('There is no page at this address.')} "
        f"{_('The search and the table of contents lead to all pages.')}</p>\n"
        f'<p><a href="{top}index.html">{_("To the first page")}</a></p>',
    }
    if site:
        app.setup_extension("sphinxext.opengraph")
        app.config.ogp_site_url = f"{site}/"
        app.config.ogp_site_name = app.config.html_title
        app.config.ogp_social_cards = {"image_mini": ICON, "line_color": "#0b3d66"}
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # no bold face


def point_launch_buttons_at_notebooks(app: Sphinx) -> None:
    """Notebooks are on their own branch; the theme has noted by now where the sources are."""
    if app.config.course_repository:
        app.config.html_theme_options |= {"repository_branch": BRANCH, "path_to_docs": ""}


def mend_buttons(
    app: Sphinx, pagename: str, templatename: str, context: dict, document: nodes.document | None
) -> None:
    """Edit the Markdown that the staged notebook was made from; download the generated notebook."""
    chapter = is_chapter(app, pagename)
    for group in context.get("header_buttons", []):
        buttons = group.get("buttons", [])
        for button in buttons:
            if button.get("label") == "source-edit-button" and chapter:
                button["url"] = button["url"].removesuffix(".ipynb") + ".md"
            if button.get("label") == "download-source-button" and chapter:
                address = f"{FOLDER}/{pagename}.ipynb"
                button |= {"url": context["pathto"](address, 1), "tooltip": _("Download notebook")}
        if not chapter:
            buttons[:] = [b for b in buttons if b.get("label") != "download-source-button"]


def write_sitemap(app: Sphinx, error: Exception | None) -> None:
    """List all pages for search engines (sphinx-sitemap lists only those written in this build)."""
    site = app.config.html_baseurl
    if error or not site or app.builder.name != "html":
        return
    pages = (
        f"<url><loc>{site}{quote(name)}.html</loc></url>" for name in sorted(app.env.found_docs)
    )
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">',
        *pages,
        "</urlset>",
    ]
    write_atomic(Path(app.outdir, "sitemap.xml"), "\n".join(lines) + "\n")


def setup(app: Sphinx) -> None:
    configure(app)
    app.connect("builder-inited", point_launch_buttons_at_notebooks, priority=900)
    app.connect("html-page-context", mend_buttons, priority=600)
    app.connect("build-finished", write_sitemap)
