"""How the pages of a facility look: colours that can be read, a logo that is a picture and nothing else, the files of a theme."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")
WHITE, BLACK = "#ffffff", "#000000"
# WCAG 2.2, success criterion 1.4.3 (level AA): text of normal size against what is behind it.
READABLE = 4.5
LOGO_BYTES = 200_000
PNG = b"\x89PNG\r\n\x1a\n"
# What an SVG may consist of to be only a picture: none of these runs a program or fetches something from elsewhere.
SVG = "{http://www.w3.org/2000/svg}"
SVG_REFUSED = {"script", "foreignObject", "iframe", "object", "embed", "handler", "a", "set", "animate"}
ELSEWHERE = re.compile(r"(?i)\s*(?!#|data:image/(png|jpeg|webp);)\S")
FETCHES = re.compile(r"(?i)@import|url\(\s*['\"]?\s*(?!#|['\"])")


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours `#rrggbb`, from 1 (none) to 21 (black on white), as WCAG 2.2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    if not COLOUR.match(colour):
        raise ValueError(f"{colour!r} is no colour: write # and six hexadecimal digits, for example #005a9c")
    linear = []
    for start in (1, 3, 5):
        share = int(colour[start : start + 2], 16) / 255
        linear.append(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def text_colour(background: str) -> str:
    """Return black or white, whichever is easier to read on the background; one of them always is readable."""
    return max((WHITE, BLACK), key=lambda colour: contrast(colour, background))


def logo_problem(path: str) -> str:
    """Return what keeps a file from being shown as the logo, in words, or an empty string."""
    file = Path(path)
    if not file.is_file():
        return "there is no such file on the control node"
    if file.suffix not in {".svg", ".png"}:
        return "its name ends neither in .svg nor in .png"
    if file.stat().st_size > LOGO_BYTES:
        return f"it has {file.stat().st_size} bytes: everybody who logs in would wait for it"
    content = file.read_bytes()
    if file.suffix == ".png":
        return "" if content.startswith(PNG) else "it is no PNG picture"
    return _svg_problem(content)


def _svg_problem(content: bytes) -> str:
    if b"<!" in re.sub(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>", b"", content, flags=re.DOTALL):
        return "it has a document type, which a picture does not need: save it as plain SVG"
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - nothing can be expanded without a document type
    except ElementTree.ParseError as error:
        return f"it is no SVG: {error}"
    if root.tag != f"{SVG}svg":
        return "it is no SVG: the outermost element is not svg"
    return next((problem for element in root.iter() for problem in _element_problems(element)), "")


def _element_problems(element: ElementTree.Element) -> Iterator[str]:
    name = element.tag.rpartition("}")[2]
    if name in SVG_REFUSED:
        yield f"it has an element {name}: a logo is a picture and nothing else"
    if name == "style" and FETCHES.search(element.text or ""):
        yield "its style sheet fetches something from elsewhere"
    for attribute, value in element.attrib.items():
        short = attribute.rpartition("}")[2]
        if short.lower().startswith("on"):
            yield f"it has an attribute {short}: a logo runs no program"
        if short in {"href", "src"} and ELSEWHERE.match(value):
            yield f"it refers to {value[:60]}: a logo fetches nothing from elsewhere"
        if FETCHES.search(value):
            yield f"its attribute {short} fetches something from elsewhere"


def properties(texts: Mapping[str, object], *, message_format: bool = False) -> str:
    """Return a Java properties file in UTF-8.

    Args:
        texts: Name -> value.
        message_format: The values are patterns of java.text.MessageFormat, in which an apostrophe has to be doubled.
    """
    lines = []
    for name, value in texts.items():
        text = str(value).replace("'", "''") if message_format else str(value)
        text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
        key = re.sub(r"([\\ :=#!])", r"\\\1", str(name))
        lines.append(f"{key}={re.sub('^ ', chr(92) + ' ', text)}\n")
    return "".join(lines)


def pack(name: str, files: Mapping[str, bytes]) -> dict[str, object]:
    """Return a theme ready to be unpacked: `name` with a digest of its files, and `archive`, a tar file in Base64.

    The same files give the same name and the same archive, other files another name.
    """
    digest = hashlib.sha256()
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(files.items()):
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    packed = base64.b64encode(gzip.compress(tar.getvalue(), mtime=0)).decode()
    return {"name": f"{name}-{digest.hexdigest()[:12]}", "archive": packed, "files": sorted(files)}


def tree(folder: str) -> list[str]:
    """Return the paths of all files below a folder, relative to it."""
    return sorted(
        os.path.relpath(os.path.join(here, name), folder) for here, _, names in os.walk(folder) for name in names
    )
