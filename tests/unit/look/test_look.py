"""Colours that can be read, logos that are pictures, themes that are named after their content."""

import base64
import io
import tarfile

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.panosc.facility.plugins.lookup import theme
from ansible_collections.panosc.facility.plugins.plugin_utils import look
from hypothesis import given, settings
from hypothesis import strategies as st

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">{}</svg>'


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.0),
    ],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert look.contrast(one, other) == look.contrast(other, one) == pytest.approx(ratio, abs=0.005)


@settings(deadline=None)
@given(COLOURS)
def test_text_can_be_read_on_any_colour(colour):
    assert look.contrast(look.text_colour(colour), colour) >= look.READABLE


def test_a_word_is_no_colour():
    with pytest.raises(ValueError, match="six hexadecimal digits"):
        look.contrast("navy", "#ffffff")


@pytest.mark.parametrize(
    "inside",
    [
        '<path d="M0 0h9v9z" fill="#005a9c"/>',
        '<defs><linearGradient id="a"/></defs><path fill="url(#a)"/><use xlink:href="#b"/>',
        "<style>.a{fill:url(#a)}</style><!-- drawn <by> hand -->",
        '<image href="data:image/png;base64,AAAA"/>',
    ],
)
def test_a_picture_is_a_logo(tmp_path, inside):
    (tmp_path / "logo.svg").write_text(SVG.format(inside))
    assert look.logo_problem(str(tmp_path / "logo.svg")) == ""


@pytest.mark.parametrize(
    ("inside", "problem"),
    [
        ("<script>alert(1)</script>", "element script"),
        ('<g onload="alert(1)"/>', "attribute onload"),
        ('<a xlink:href="https://evil.test"><path/></a>', "element a"),
        ('<use xlink:href="https://evil.test/x.svg#a"/>', "refers to https://evil.test"),
        ('<use href=" javascript:alert(1)"/>', "refers to"),
        ('<image href="data:image/svg+xml;base64,AAAA"/>', "refers to data:image/svg+xml"),
        ('<image href="//evil.test/x.png"/>', "refers to //evil.test"),
        ("<style>@import 'https://evil.test/x.css';</style>", "style sheet"),
        ('<path style="fill: url(https://evil.test)"/>', "attribute style"),
        ('<path style="fill: url( &quot;//evil.test&quot;)"/>', "attribute style"),
        ("<foreignObject><p>Hello</p></foreignObject>", "element foreignObject"),
        ("<path", "no SVG"),
    ],
)
def test_more_than_a_picture_is_no_logo(tmp_path, inside, problem):
    (tmp_path / "logo.svg").write_text(SVG.format(inside))
    assert problem in look.logo_problem(str(tmp_path / "logo.svg"))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("logo.svg", b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("&a;").encode(), "document type"),
        ("logo.svg", b"<html/>", "outermost element"),
        ("logo.svg", b" " * (look.LOGO_BYTES + 1), "200001 bytes"),
        ("logo.png", b"GIF89a", "no PNG"),
        ("logo.gif", b"GIF89a", "neither in .svg nor in .png"),
        ("logo.svg", None, "no such file"),
    ],
)
def test_what_else_is_no_logo(tmp_path, name, content, problem):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert problem in look.logo_problem(str(tmp_path / name))


def test_properties_are_read_back_as_written():
    written = look.properties({"a b": " it's = {0}\\\nline"}, message_format=True)
    assert written == "a\\ b=\\ it''s = {0}\\\\\\nline\n"


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True), st.binary(max_size=20), max_size=4))
def test_a_theme_is_named_after_its_content(files):
    packed = look.pack("demo", files)
    assert packed == look.pack("demo", dict(reversed(files.items())))
    assert packed["name"] != look.pack("demo", {**files, "one/more": b""})["name"]
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed["archive"]))) as archive:
        assert {entry.name: archive.extractfile(entry).read() for entry in archive} == files


# --- The kit's own theme --------------------------------------------------------------------------------------------

LOOK = {
    "name": "Demo's Light Source",
    "support": "help@facility.test",
    "website": "https://facility.test",
    "privacy_url": "",
    "help_url": "",
    "logo": "",
    "colours": {"primary": "#00558c", "background": "#f0f0f0"},
    "messages": {"de": {"errorTitle": "Hoppla, 's ging nicht"}, "it": {"errorTitle": "Ahi"}},
}


@pytest.fixture(scope="module")
def rendered():
    def render(**changed):
        loader = DataLoader()
        lookup = theme.LookupModule(loader=loader, templar=Templar(loader=loader))
        # Ansible's plugin loader fills options in from the documentation; it cannot run twice in one process, so this does.
        lookup.set_options = lambda **_: None
        lookup.get_option = {"look": {**LOOK, **changed}}.__getitem__
        (made,) = lookup.run(["demo"])
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(made["archive"]))) as archive:
            return made["name"], {entry.name: archive.extractfile(entry).read() for entry in archive}

    return render


def test_site_has_the_last_word_on_a_text(rendered):
    _, files = rendered()
    german = files["login/messages/messages_de.properties"].decode()
    assert "errorTitle=Hoppla, ''s ging nicht\n" in german
    assert "loginAccountTitle=Anmelden\n" in german
    assert files["login/messages/messages_it.properties"] == b"errorTitle=Ahi\n"


def test_logo_and_colours_change_the_theme(rendered, tmp_path):
    (tmp_path / "mark.svg").write_text(SVG.format(""))
    plain, branded = rendered(), rendered(logo=str(tmp_path / "mark.svg"))
    assert plain[0] != branded[0] != rendered(colours={**LOOK["colours"], "primary": "#8c0055"})[0]
    assert b"logo.svg" in branded[1]["login/resources/css/facility.css"]
    assert branded[1]["login/resources/img/logo.svg"] == branded[1]["account/resources/img/logo.svg"]
    assert b"::before" not in plain[1]["login/resources/css/facility.css"]
    assert b"--facility-on-background: #000000" in plain[1]["login/resources/css/facility.css"]


def test_pages_fetch_nothing_from_elsewhere(rendered):
    for path, content in rendered()[1].items():
        if not path.endswith(".properties"):  # links, which people follow or not
            assert b"//" not in content.replace(b"// ", b""), path


def test_every_language_has_every_text():
    messages = theme.TEMPLATES + "/login/messages"
    texts = {name: yaml.safe_load(open(f"{messages}/{name}")) for name in look.tree(messages)}  # noqa: SIM115
    english = texts["en.yml"]
    for name, said in texts.items():
        assert said.keys() == english.keys(), name
        for key, text in said.items():
            used = {number for number in "012" if f"{{{number}}}" in text}
            assert used == {number for number in "012" if f"{{{number}}}" in english[key]}, (name, key)
            assert text.replace("{{ look.support }}", "").count("{") == len(used), (name, key)
            assert ("look.support" in text) == ("look.support" in english[key]), (name, key)
