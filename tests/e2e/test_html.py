"""The HTML report in a real browser: nothing of a peer runs, nothing is asked of anybody, and what it offers works."""

import json
import re
import socket
import subprocess

import pytest

from browser import Browser
from conftest import BUILD, ROOT, children, until

NASTY = ("</script><script>window.ran=1</script><img src=x onerror=window.ran=1><svg onload=window.ran=1>]]>--><iframe src=javascript:window.ran=1>"
         "\u2028\u202e';window.ran=1//\"><a href=javascript:window.ran=1>x</a><link rel=stylesheet href=http://127.0.0.1:{port}/a>"
         "<img src=http://127.0.0.1:{port}/b><meta http-equiv=refresh content='0;url=http://127.0.0.1:{port}/c'>")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium = Browser(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()
    until(lambda: not children(), patience=3)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The result of a server that cuts texts at a pipe, over UDP, as text."""
    file = tmp_path_factory.mktemp("result") / "result.json"
    launch = f"{BUILD}/c2w-server-faulty --host {{host}} --port {{port}} --fault text-cut-at-pipe"
    command = [BUILD / "c2w-conform", "--launch", launch, "--transport", "udp", "--only", "format/FMT-04-further-pipes-are-data", "--only", "CON-02",
               "--quiet", "--json", file]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120).returncode == 1
    return file.read_text()


@pytest.fixture
def broken(found):
    return json.loads(found)


@pytest.fixture
def page(browser, program, tmp_path):
    """page(result) renders it and opens the page."""

    def show(result, name="report"):
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
        run = program("c2w-report", tmp_path / f"{name}.json", "--html", tmp_path / f"{name}.html")
        assert run.code == 0, run
        browser.open(tmp_path / f"{name}.html")
        return browser

    return show


def spoil(result, text):
    """Puts a text wherever a result has one that is anybody's."""
    escaped = "".join(each if 32 <= ord(each) < 127 and each != "\\" else "".join(f"\\x{octet:02X}" for octet in each.encode()) for each in text)
    result["target"].update(address=text, launch=text, output=escaped, lost_after=text)
    result["tool"].update(name=text, version=text, command=text)
    result["verdict_reason"] = text
    for scenario in result["scenarios"]:
        scenario.update(id=scenario["id"] + text, title=text, reason=text, repeat=text)
        for finding in scenario["findings"]:
            finding.update(file=text, what=text, expected=text, got=text + "x")
        for event in scenario["timeline"]:
            event.update(client=text, note=text, octets=escaped)


VISIBLE = "[...document.querySelectorAll('{0}')].filter(each => each.checkVisibility())"


def visible(browser, selector, what):
    return browser.run(f"{VISIBLE.format(selector)}.map(each => {what})")


def test_nothing_of_a_peer_runs_and_nothing_is_fetched(page, broken):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        spoil(broken, NASTY.format(port=listener.getsockname()[1]))
        browser = page(broken)
        browser.run("document.querySelectorAll('details').forEach(each => each.open = true)")
        browser.run("document.querySelectorAll('button.copy').forEach(each => each.click())")
        browser.run("document.querySelectorAll('.messages button').forEach(each => each.click())")
        with pytest.raises(TimeoutError):
            listener.accept()
    assert browser.run("typeof window.ran") == "undefined"
    assert browser.run("document.scripts.length") == 1
    assert browser.run("document.querySelectorAll('img, iframe, link, object, embed, base, meta[http-equiv=refresh]').length") == 0
    assert [url.partition(":")[0] for url in browser.requests()] == ["file"]
    assert browser.complaints() == []


def test_the_policy_would_stop_it(page, broken):
    browser = page(broken)
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=http://127.0.0.1:9/x onerror=window.ran=1><b style=\"color:red\">x</b>')")
    browser.run("{ const script = document.createElement('script'); script.textContent = 'window.ran = 1'; document.body.append(script); }")
    browser.run("new Promise(done => setTimeout(done, 200))")
    assert browser.run("typeof window.ran") == "undefined"
    assert len(browser.complaints()) >= 2


def test_the_ladder_is_there_to_be_seen(page, broken):
    browser = page(broken)
    boxes = visible(browser, ".case[open] svg.ladder", "[each.getBoundingClientRect().width, each.getBoundingClientRect().height]")
    assert boxes and all(width > 300 and height > 100 for width, height in boxes)
    assert visible(browser, ".case[open] svg .who", "each.textContent")[:3] == ["alice", "bob", "server"]
    arrow, wrong = (browser.run(f"getComputedStyle(document.querySelector('svg {each} .l')).stroke") for each in (".r:not(.bad)", ".r.bad"))
    assert arrow != wrong
    assert visible(browser, "svg .r.bad .m", "each.textContent")[0].endswith("|1")
    assert visible(browser, ".source .bad", "each.textContent")
    assert "1|2" in "".join(visible(browser, ".compare", "each.textContent"))
    assert visible(browser, ".compare mark", "each.textContent")[:2] == ["|", "∎"]


def test_times_are_drawn_to_scale(page, broken):
    """A second's silence is much longer than the messages of a millisecond; none lies on another."""
    browser = page(broken)
    rows = browser.run("[...document.querySelectorAll('.case[open] svg g .t')].map(each => [+each.textContent, +each.getAttribute('y')])")
    steps = [(later[0] - sooner[0], later[1] - sooner[1]) for sooner, later in zip(rows, rows[1:])]
    assert min(height for _, height in steps) >= 20
    assert max(steps)[0] > 900 and max(steps)[1] > 100
    assert all(height == 20 for ms, height in steps if ms < 10)


def test_filters_and_search(page, broken):
    browser = page(broken)
    count = len(visible(browser, "[data-filter]", "0"))
    browser.run("document.querySelector('input[value=untested]').click()")
    assert "untested" not in visible(browser, "[data-filter]", "each.dataset.verdict")
    assert 0 < len(visible(browser, "[data-filter]", "0")) < count
    browser.run("{ const box = document.getElementById('search'); box.value = 'fmt-04 PIPES';"
                " box.dispatchEvent(new Event('input', { bubbles: true })); }")
    found = visible(browser, "[data-filter], .rule", "each.textContent.toLowerCase()")
    assert found and all("fmt-04" in text and "pipes" in text for text in found)
    assert browser.run("document.getElementById('shown').value").endswith("shown")


def test_a_link_opens_what_it_points_to(page, broken):
    browser = page(broken)
    browser.run("document.querySelector('input[value=pass]').click()")
    browser.run("new Promise(done => { addEventListener('hashchange', () => setTimeout(done, 50)); location.hash = '#r-CON-02'; })")
    assert browser.run("document.querySelector('#r-CON-02 details').open") is True
    assert browser.run("document.querySelector('#r-CON-02').checkVisibility()") is True


def test_hex_on_demand(page, broken):
    browser = page(broken)
    browser.run("document.querySelector('.case[open] .messages').open = true")
    browser.run("new Promise(done => setTimeout(done, 100))")
    browser.run("document.querySelector('.messages[open] td button').click()")
    dump = browser.run("document.querySelector('.hex').textContent")
    octets = bytes.fromhex("".join(line[6:54] for line in dump.splitlines()))
    scenario = next(each for each in broken["scenarios"] if each["findings"])
    assert octets == scenario["timeline"][0]["octets"].replace("\\r\\n", "\r\n").encode()
    browser.run("document.querySelector('.messages[open] td button').click()")
    assert browser.run("document.querySelector('.hex')") is None


def test_keys(page, broken):
    browser = page(broken)
    browser.press("j")
    assert browser.run("document.activeElement.closest('.case') !== null")
    browser.press("/")
    assert browser.run("document.activeElement.id") == "search"
    browser.press("j")  # a letter now
    assert browser.run("document.getElementById('search').value") == "j"


def test_tab_goes_from_the_top_down_and_is_seen(page, broken):
    browser = page(broken)
    stops = []
    for _ in range(16):
        for kind in "rawKeyDown", "keyUp":
            browser.send("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        stops.append(browser.run("(({tagName, id, className}, style, box) => [tagName, id, className, style.outlineStyle, parseFloat(style.outlineWidth), "
                                 "box.top + scrollY])(document.activeElement, getComputedStyle(document.activeElement), document.activeElement.getBoundingClientRect())"))
    assert stops[0][2] == "jump" and [tag for tag, *_ in stops[1:6]] == 5 * ["A"] and stops[6][1] == "search"
    assert all(style == "solid" and width >= 2 for _, _, _, style, width, _ in stops)
    tops = [top for *_, top in stops[6:]]
    assert tops == sorted(tops) or all(later >= sooner - 40 for sooner, later in zip(tops, tops[1:]))


@pytest.mark.parametrize("width", [1300, 390])
def test_themes_and_widths(page, broken, width):
    browser = page(broken)
    browser.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    papers = set()
    for scheme in "light", "dark":
        browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        papers.add(browser.run("getComputedStyle(document.body).backgroundColor"))
        assert browser.run("document.documentElement.scrollWidth") <= width
        assert contrast_of_texts(browser) >= 4.5
    assert len(papers) == 2
    browser.send("Emulation.setEmulatedMedia", features=[])
    browser.send("Emulation.clearDeviceMetricsOverride")


def contrast_of_texts(browser):
    """The least contrast of the chips, links and soft texts with what they stand on."""
    return browser.run("""(() => {
        const luminance = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(each => each / 255)
            .map(each => each <= .03928 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4).reduce((sum, each, i) => sum + each * [.2126, .7152, .0722][i], 0);
        const ground = at => { while (at && /rgba\\(.*, 0\\)|transparent/.test(getComputedStyle(at).backgroundColor)) at = at.parentElement;
            return getComputedStyle(at || document.body).backgroundColor; };
        const texts = [...document.querySelectorAll('.chip, main a, .over, .level, .tile, h1, .source .bad, .place')];
        return Math.min(...texts.filter(each => each.checkVisibility()).map(each => {
            const [a, b] = [luminance(getComputedStyle(each).color), luminance(ground(each))].sort((x, y) => y - x);
            return (a + .05) / (b + .05); }));
    })()""")


def test_a_screen_reader_finds_its_way(page, broken):
    browser = page(broken)
    assert browser.run("document.querySelectorAll('h1').length") == 1
    assert browser.run("document.documentElement.lang") == "en"
    assert browser.run("[...document.querySelectorAll('svg')].every(each => each.getAttribute('role') === 'img' && each.ariaLabel)")
    assert browser.run("[...document.querySelectorAll('input')].every(each => each.labels.length > 0)")
    assert browser.run("[...document.querySelectorAll('table')].every(each => each.querySelector('th[scope]'))")
    assert browser.run("[...document.querySelectorAll('[id]')].length === new Set([...document.querySelectorAll('[id]')].map(each => each.id)).size")
    assert browser.run("[...document.querySelectorAll('a[href^=\"#\"]')].every(each => document.getElementById(each.hash.slice(1)))")


THEMES = {"light": r":root \{(.*?)\}", "dark": r':root\[data-theme="dark"\] \{(.*?)\}'}
# Text on what it stands on: at least 4.5 to 1 (WCAG 2.2 AA, 1.4.3); what is drawn: at least 3 to 1 (1.4.11).
TEXT_ON = [("ink", "paper card code mark fail-bg pass-bg inconclusive-bg"), ("soft", "paper card code fail-bg pass-bg inconclusive-bg skip-bg"),
           ("link", "paper card code fail-bg pass-bg inconclusive-bg warn-bg"), ("fail", "fail-bg card"), ("warn", "warn-bg"),
           ("inconclusive", "inconclusive-bg"), ("pass", "pass-bg"), ("skip", "skip-bg"), ("paper", "server fail")]
DRAWN_ON = [("soft server fail", "card"), ("link", "paper card"), ("fail", "fail-bg"), ("pass", "pass-bg"), ("inconclusive", "inconclusive-bg card"), ("warn", "card")]


def luminance(colour):
    digits = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(digits[i:i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES)
def test_its_colours_can_be_read(theme):
    css = (ROOT / "reports/html/report.css").read_text()
    colours = {name: luminance(colour) for name, colour in re.findall(r"--([a-z-]+): #([0-9a-f]+)", re.search(THEMES[theme], css, re.DOTALL)[1])}

    def contrast(a, b):
        return (max(colours[a], colours[b]) + 0.05) / (min(colours[a], colours[b]) + 0.05)

    low = [(front, back, round(contrast(front, back), 2)) for least, pairs in ((4.5, TEXT_ON), (3, DRAWN_ON)) for fronts, backs in pairs
           for front in fronts.split() for back in backs.split() if contrast(front, back) < least]
    assert low == []
    # Dark is written twice, for the system's wish and for the button's.
    assert css.count(re.search(r"--paper: #15181c.*", css)[0]) == 2 and "opacity" not in re.sub(r"svg \.due \{.*?\}", "", css)


def test_the_page_is_whole_without_its_script(page, broken):
    browser = page(broken)
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    browser.reload()
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run("document.querySelector('form').hidden")  # the script has not run
    assert browser.run("document.querySelectorAll('svg.ladder').length") > 0


def test_a_matrix_of_a_class(browser, program, broken, tmp_path):
    names = []
    for i in range(6):
        each = json.loads(json.dumps(broken))
        each["target"]["address"] = f"student-{i} <b>"
        if i % 2:
            each["verdict"] = "conforms"
            for rule in each["rules"]:
                rule["verdict"] = "pass"
        names.append(tmp_path / f"s{i}.json")
        names[-1].write_text(json.dumps(each))
    run = program("c2w-report", *names, "--html", tmp_path / "my class.html", "--csv", tmp_path / "class.csv")
    assert run.code == 0, run
    assert (tmp_path / "class.csv").read_text().count("\n") == 1 + 6 * len(broken["scenarios"])
    text = (tmp_path / "my class.html").read_text()
    assert (tmp_path / "my class.files/0001.html").stat().st_size <= 5 << 20
    # Rules and targets only, however many scenarios: so 300 targets stay below 5 MB.
    rows = [line for line in text.splitlines() if line.startswith("<tr data-filter")]
    assert len(rows) == 6 and len(text) + 294 * max(map(len, rows)) < 5_000_000 / 3
    breakers = re.search(r"targets that break it</th><td></td><td></td>(.*?)</tr>", text)[1]
    assert sorted(set(re.findall(r"\d+", breakers))) == ["0", "3"] and breakers.count("<td>3</td>") == 2
    browser.open(tmp_path / "my class.html")
    assert browser.run("[...document.querySelectorAll('tbody th a')].map(each => each.textContent)") == ["s0", "s2", "s4", "s1", "s3", "s5"]
    assert browser.run("document.querySelectorAll('b').length") == 0
    links = browser.run("[...document.querySelectorAll('tbody a')].map(each => each.href)")
    assert len(links) == 6 * (1 + sum(rule["counts"] for rule in broken["rules"]))
    browser.run("document.querySelector('td.F a').click()")
    assert until(lambda: browser.run("document.querySelectorAll('.rule').length") == 2)
    assert browser.complaints() == []
