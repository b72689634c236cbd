"""The manual's site: `python -m sphinx -W -n docs site` builds it (docs/contributing.md)."""

from __future__ import annotations

import builtins
import os
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import roles
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.inspect import TypeAliasForwardRef

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "src"))

import http11  # noqa: E402 - from this checkout
from http11 import compat, parsing, pipelining, serialization  # noqa: E402

project = "http11"
author = project_copyright = "the http11 authors"
version = release = http11.__version__
html_title = f"http11 {version}"
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["examples/README.md"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_js_files = ["tables.js"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5d8a", "color-brand-content": "#0b5d8a"},
    "dark_css_variables": {"color-brand-primary": "#6cc0f0", "color-brand-content": "#6cc0f0"},
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

# --- pages ------------------------------------------------------------------------------------------------------------

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
# A pattern in the table of contents may be for a page that is not there yet.
suppress_warnings = ["toc.empty_glob"]

# --- docstrings -------------------------------------------------------------------------------------------------------

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
ALIASES = "BytesLike ClientEvent ErrorCode Event Field HeadersLike Role ServerEvent Signal State Tolerance"
autodoc_type_aliases = {name: f"http11.{name}" for name in ALIASES.split()}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_attr_annotations = True
napoleon_use_rtype = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

# What is not ours is not looked up, since the build needs no network; what is private has no page. Any other name has
# to be there.
nitpick_ignore_regex = [
    ("py:.*", "|".join(dir(builtins))),
    ("py:.*", r"(collections\.abc|typing)\.\w+"),
    ("py:.*", r"(http11\.\w+\.)?[A-Z]\w*T(_co)?"),
    ("py:.*", r"_\w+"),
    ("py:.*", r"http11\.(?!parsing|pipelining|serialization|compat)[a-z_]+\.\w+"),
]
default_role = "public"


def _public_names() -> dict[str, str]:
    """Return what a docstring may call each public name, and its full name."""
    found: dict[str, str] = {}
    for module in (compat, pipelining, serialization, parsing, http11):
        found |= {name: f"{module.__name__}.{name}" for name in module.__all__}
    for owner in (http11.Headers, http11.Connection):
        ours = [base for base in owner.__mro__ if base.__module__.startswith("http11.")]
        for name in [name for base in ours for name in vars(base) if not name.startswith("_")]:
            found[name] = found[f"{owner.__name__}.{name}"] = f"http11.{owner.__name__}.{name}"
    for name in vars(pipelining.Pipeline):
        found[f"Pipeline.{name}"] = f"http11.pipelining.Pipeline.{name}"
    return found


PUBLIC = _public_names()
# In its own docstrings, its members go before those of the same name.
OF_PIPELINE = {name for name in vars(pipelining.Pipeline) if not name.startswith("_")}


def public_role(
    name: str, rawtext: str, text: str, lineno: int, inliner: Any, options: Any = None, content: Any = None
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """Show what a docstring has in single backticks as code, with a link where it is a public name."""
    code = nodes.literal(rawtext, text, classes=["xref", "py"])
    inside = inliner.document.settings.env.ref_context.get("py:class") == "Pipeline" and text in OF_PIPELINE
    if text not in PUBLIC and not inside:
        return [code], []
    target = f"http11.pipelining.Pipeline.{text}" if inside else PUBLIC[text]
    link = addnodes.pending_xref(
        rawtext, refdomain="py", reftype="obj", reftarget=target, refexplicit=True, refwarn=True
    )
    link += code
    return [link], []


WITHOUT_SECTIONS = ("attribute", "data", "property")
_docstrings: dict[str, list[str]] = {}


def before_napoleon(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Leave out a module's docstring, which is for those who read its source; and keep what napoleon would spoil."""
    if what == "module":
        lines.clear()
    elif what in WITHOUT_SECTIONS:
        _docstrings[name] = list(lines)


def after_napoleon(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Undo what napoleon does to one-line docstrings: it takes what stands before a colon for a type."""
    if what in WITHOUT_SECTIONS:
        lines[:] = _docstrings[name]


def skip_member(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the members of a class that its docstring describes already."""
    alias = str(getattr(obj, "__doc__", "")).startswith("Alias for field number")
    return True if what == "class" and (alias or name == "default_policy") else None


# In a generic type, Sphinx shows an alias by its repr.
TypeAliasForwardRef.__repr__ = lambda alias: alias.name  # type: ignore[method-assign]


# --- links ------------------------------------------------------------------------------------------------------------


def unlink_files(app: Sphinx, doctree: nodes.document) -> None:
    """Show a link to a file of the repository, which is not part of the site, as the file's path."""
    folder = Path(doctree["source"]).parent
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link.get("refdomain") == "py":
            continue
        path = (folder / link["reftarget"]).resolve()
        for target in (path, path.with_name(f"{path.name}.md")):
            if target.exists() and ROOT in target.parents and ROOT / "docs" not in target.parents:
                link.replace_self(nodes.literal(text=str(target.relative_to(ROOT))))


def name_roles(app: Sphinx, doctree: nodes.document) -> None:
    """Show the type variable of a connection's role as what it stands for."""
    for text in list(doctree.findall(nodes.Text)):
        if "RoleT_co" in text:
            text.parent.replace(text, nodes.Text(text.replace("RoleT_co", "Role")))


def label_rows(app: Sphinx, doctree: nodes.document) -> None:
    """Make every row of the decision table a target: ``{ref}`LN-1``` on a page, ``strictness.html#ln-1`` outside."""
    docname = app.env.current_document.docname
    if docname != "strictness":
        return
    labels = app.env.domains.standard_domain
    seen: set[str] = set()
    for row in doctree.findall(nodes.row):
        name = row.astext().partition("\n")[0]
        if re.fullmatch(r"[A-Z]{2}-[0-9]+", name) and name not in seen:
            seen.add(name)
            label = name.lower()
            row["ids"].append(label)
            labels.labels[label] = docname, label, name
            labels.anonlabels[label] = docname, label


def setup(app: Sphinx) -> None:
    """Add what is above."""
    roles.register_local_role("public", public_role)
    app.connect("autodoc-process-docstring", before_napoleon, priority=100)
    app.connect("autodoc-process-docstring", after_napoleon, priority=900)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("doctree-read", unlink_files)
    app.connect("doctree-read", label_rows)
    app.connect("doctree-read", name_roles)
