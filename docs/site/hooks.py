"""What MkDocs calls while it builds the site, and what the build refuses."""

import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
from site_pages import ROOT, files, navigation, pages, reference, title_of
from tutorial_pages import title_of as title_of_tutorial
from tutorial_pages import tutorials
from tutorials import TutorialFailed, run

STYLE = "docs/site/style.css"
GITHUB = MarkdownIt("commonmark").enable("table")
BLOCKS = {
    "li": "entries of lists",
    "tr": "rows of tables",
    "pre": "blocks",
    "h2": "headings",
    "blockquote": "quotations",
}
CODE = re.compile(r"(<pre[ >].*?</pre>)|<code>([^<]*)</code>", re.DOTALL)
TUTORIAL = re.compile(r"(?<=\]\()((?:[^)\s]*/)?tutorials/[\w-]+)\.py(?=\))")
LOADED = re.compile(r"""<(?:script|img|link|iframe)\b[^>]*?\b(?:src|href)=["']?([^"'\s>]+)""")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the patterns of the navigation."""
    titles = {page: title_of(ROOT / page) for page in pages()} | {page: Path(page).stem for page in reference()}
    try:
        titles |= {page: title_of_tutorial(path) for page, path in tutorials().items()}
        config.nav = navigation(config.nav, list(titles), titles.__getitem__)
    except ValueError as error:
        raise PluginError(str(error)) from error
    return config


def on_files(found: Files, config: MkDocsConfig) -> Files:
    """Lay the pages out as they lie in the repository, with the reference and what belongs to the theme beside them."""
    theme = [file for file in found if file.src_dir != config.docs_dir]
    own = [File(name, str(ROOT), config.site_dir, config.use_directory_urls) for name in [*files(), STYLE]]
    made = [File.generated(config, name, content=text) for name, text in reference().items()]
    for page, path in tutorials().items():
        try:
            text, pictures = run(path)
        except TutorialFailed as error:
            raise PluginError(str(error)) from error
        made.append(File.generated(config, page, content=text))
        for name, picture in pictures.items():
            made.append(File.generated(config, f"{Path(page).parent.as_posix()}/{name}", content=picture))
    return Files([*theme, *own, *made])


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Lead to the page that was made of a tutorial, where GitHub shows its file."""
    return TUTORIAL.sub(r"\1.md", markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Refuse a page that GitHub shows otherwise: the two read lists differently. Keep the words of options whole."""
    if page.file.generated_by is None:
        here, there = shape(html), shape(GITHUB.render(page.markdown or ""))
        if here != there:
            raise PluginError(
                f"{page.file.src_uri} has {here} on the site, and {there} on GitHub: leave a line free before and "
                "after a list, and indent what belongs to one of its entries (a list, a block) by four spaces"
            )
    return CODE.sub(whole_words, html)


def whole_words(code: re.Match[str]) -> str:
    """Code in a line, which may be broken between words alone: not within `--method.finder`. Blocks stay."""
    if code[1] is not None:
        return code[1]
    return "<code>" + " ".join(f"<span class=word>{word}</span>" for word in code[2].split(" ")) + "</code>"


def shape(html: str) -> str:
    """How many blocks of each form a page has."""
    return ", ".join(f"{len(re.findall(f'<{tag}[ >]', html))} {name}" for tag, name in BLOCKS.items())


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse what a page would load from elsewhere, or what is not there: the site works without a network."""
    site = Path(config.site_dir)
    for page in site.rglob("*.html"):
        for address in set(LOADED.findall(page.read_text(encoding="utf-8"))):
            parts = urlsplit(address)
            place = site if parts.path.startswith("/") else page.parent
            if parts.scheme == "data":
                continue
            if parts.scheme or parts.netloc or not (place / unquote(parts.path).lstrip("/")).exists():
                raise PluginError(f"{page.relative_to(site)} loads {address}: that must be a file of the site")
