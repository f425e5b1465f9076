"""Finds the places of a C source where one small change makes another program: mutants_of() yields them.

Reads tokens, not a grammar: enough for the style of this project. Nothing is compiled here; a mutant that is no C is found out
by whoever compiles it.
"""

import collections
import dataclasses
import re

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<character>'(?:\\.|[^'\\\n])*')|(?P<word>[A-Za-z_]\w*)"""
    r"""|(?P<number>0[xX][\w.]+|\d[\w.]*)|(?P<sign>->|\+\+|--|<<=|>>=|\.\.\.|<<|>>|[<>=!+\-*/&|^%]=|&&|\|\||.)""", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.M | re.S)
LINE_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
SWAPS = {
    "<": ("comparison", "<="), "<=": ("comparison", "<"), ">": ("comparison", ">="), ">=": ("comparison", ">"),
    "==": ("comparison", "!="), "!=": ("comparison", "=="), "&&": ("logic", "||"), "||": ("logic", "&&"),
    "+": ("arithmetic", "-"), "-": ("arithmetic", "+"), "+=": ("arithmetic", "-="), "-=": ("arithmetic", "+="),
    "++": ("arithmetic", "--"), "--": ("arithmetic", "++"), "true": ("constant", "false"), "false": ("constant", "true"),
}
TYPES = {"struct", "enum", "union", "const", "static", "unsigned", "int", "size_t", "ssize_t", "bool", "char", "void", "long", "double",
         "int64_t", "uint64_t", "uint16_t", "uint8_t"}
ZEROS = {"0", "NULL", "C2W_OK", "C2W_NO_COMMAND"}  # the names are the first of their enums
PAIRS = {"(": ")", "[": "]", "{": "}"}

Token = collections.namedtuple("Token", "kind text start end")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change. `before` and `after` are the changed lines, without comments, blanks made one."""

    file: str
    function: str
    line: int
    operator: str
    before: str
    after: str
    source: str = dataclasses.field(repr=False, compare=False)

    @property
    def id(self):
        return (self.file, self.function, self.before, self.after)


def normal(text):
    return " ".join(LINE_COMMENT.sub(" ", text).split())


class Scanner:
    """The tokens of one file, and the changes found in them: (operator, function, [(start, end, replacement)])."""

    def __init__(self, text):
        blank = DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
        self.tokens = [Token(match.lastgroup, match[0], match.start(), match.end()) for match in TOKEN.finditer(blank) if match.lastgroup != "space"]
        self.text, self.changes, self.function, self.returns = text, [], "", ()

    def at(self, i):
        return self.tokens[i].text if i < len(self.tokens) else ""

    def change(self, operator, *edits):
        self.changes.append((operator, self.function, edits))

    def replace(self, operator, i, replacement):
        self.change(operator, (self.tokens[i].start, self.tokens[i].end, replacement))

    def closing(self, i):
        """The index of what closes the bracket at i."""
        depth = 0
        for at in range(i, len(self.tokens)):
            depth += self.at(at) in PAIRS
            depth -= self.at(at) in PAIRS.values()
            if depth == 0:
                return at
        raise ValueError(f"a bracket that nothing closes: {self.text[self.tokens[i].start:][:40]!r}")

    def up_to(self, i, *ends):
        """The index of the first of `ends` outside any brackets opened from i on."""
        while self.at(i) not in ends:
            i = self.closing(i) + 1 if self.at(i) in PAIRS else i + 1
        return i

    # ---- outside functions: definitions, tables, constants

    def file(self):
        i = 0
        while i < len(self.tokens):
            start, i = i, self.up_to(i, ";", "{")
            words = [at for at in range(start, i) if self.tokens[at].kind == "word"]
            call = next((at for at in words if self.at(at + 1) == "("), None)
            if self.at(i) == "{":
                end = self.closing(i)
                if call is not None and "=" not in map(self.at, range(start, i)):
                    self.function, self.returns = self.at(call), {self.at(at) for at in range(start, call)}
                    self.block(i)
                elif self.at(i - 1) == "=" or self.at(start) == "enum":
                    self.function = next((self.at(at) for at in words if self.at(at + 1) in ("[", "=")), self.at(start))
                    self.expression(i + 1, end)
                    self.initialisers(i, end)
                i = end
            i += 1

    def initialisers(self, i, end):
        """Each `.member = value` and `[index] = value` of a table, left out."""
        for at in range(i + 1, end):
            member = self.at(at) == "." and self.at(at - 1) in ("{", ",")
            index = self.at(at) == "[" and self.at(at - 1) in ("{", ",")
            if not member and not index:
                continue
            stop = self.up_to(at, ",", "}") if member else self.up_to(self.closing(at), ",", "}")
            if member and self.at(at + 2) != "=" or index and self.at(self.closing(at) + 1) != "=":
                continue
            stop += self.at(stop) == ","
            if "{ 0 }" not in self.text[self.tokens[at].start:self.tokens[stop - 1].end]:  # an empty cell is empty without it
                self.change("initialiser", (self.tokens[at].start, self.tokens[stop - 1].end, ""))

    # ---- statements

    def block(self, i):
        end, i = self.closing(i), i + 1
        while i < end:
            i = self.statement(i)
        return end + 1

    def statement(self, i):
        """Finds the changes of the statement at i, and returns the index behind it."""
        first = self.at(i)
        if first == "{":
            return self.block(i)
        if first == ";":
            return i + 1
        if first in ("if", "while", "for", "switch"):
            return self.headed(i)
        if first == "do":
            i = self.statement(i + 1)
            return self.statement(i)
        if first in ("case", "default"):
            return self.up_to(i, ":") + 1
        if self.tokens[i].kind == "word" and first != "return" and self.at(i + 1) == "(":
            behind = self.closing(i + 1) + 1
            if self.at(behind) == "{" or self.tokens[behind].kind == "word":  # a loop that is a macro
                return self.statement(behind)
        return self.simple(i)

    def headed(self, i):
        keyword, opened = self.at(i), i + 1
        closed = self.closing(opened)
        self.expression(opened + 1, closed)
        if keyword == "for":
            first = self.up_to(opened + 1, ";")
            second = self.up_to(first + 1, ";")
            self.negate(first + 1, second)
        elif keyword != "switch":
            self.negate(opened + 1, closed)
        if keyword == "while" and self.at(closed + 1) == ";":
            return closed + 2
        i = self.statement(closed + 1)
        return self.statement(i + 1) if keyword == "if" and self.at(i) == "else" else i

    def negate(self, i, end):
        """The condition from i to before end."""
        if i >= end:
            return
        if self.at(i) != "!" or {"&&", "||"} & {self.at(at) for at in range(i, end)}:  # else dropping the `!` is the same
            self.change("condition", (self.tokens[i].start, self.tokens[i].start, "!("), (self.tokens[end - 1].end, self.tokens[end - 1].end, ")"))

    def simple(self, i):
        """One that ends with a semicolon."""
        end = self.up_to(i, ";")
        first, whole = self.at(i), (self.tokens[i].start, self.tokens[end].end)
        silent = first == "(" and self.at(i + 1) == "void"
        if not silent:
            self.expression(i, end)
        if first == "return" and end > i + 1:
            self.returned(i + 1, end)
        elif first not in TYPES and not silent:
            self.change("statement", (*whole, ";"))
        return end + 1

    def returned(self, i, end):
        value = " ".join(map(self.at, range(i, end)))
        if value in ZEROS or value in ("true", "false"):
            return
        if "bool" in self.returns:
            self.change("return", (self.tokens[i].start, self.tokens[i].start, "!("), (self.tokens[end - 1].end, self.tokens[end - 1].end, ")"))
        else:
            self.change("return", (self.tokens[i].start, self.tokens[end - 1].end, "0"))

    # ---- within expressions

    def expression(self, i, end):
        for at in range(i, end):
            self.token(at)
            if self.at(at) == "?":
                self.negate(self.condition_before(at, i), at)

    def token(self, i):
        token, before = self.tokens[i], self.tokens[i - 1]
        binary = before.kind in ("word", "number", "character") and before.text not in ("return", "case") or before.text in (")", "]")
        if token.kind == "number" and re.fullmatch(r"\d+", token.text):
            self.replace("constant", i, str(int(token.text) + 1))
            if int(token.text):
                self.replace("constant", i, str(int(token.text) - 1))
        elif token.text == "!" and self.at(i + 1) != "=":
            self.replace("condition", i, "")
        elif token.text in SWAPS and (binary or token.text not in "+-"):
            operator, other = SWAPS[token.text]
            self.replace(operator, i, other)

    def condition_before(self, i, start):
        """Where the condition of the question mark at i begins."""
        depth = 0
        for at in range(i - 1, start - 1, -1):
            text = self.at(at)
            depth += text in PAIRS.values()
            depth -= text in PAIRS
            if depth < 0 or depth == 0 and text in (",", "=", "return", "?", ":", "+=", "-=", ";"):
                return at + 1
        return start


def mutants_of(file, text, skip=(), calls=()):
    """Every mutant of a file, in order; `skip` names functions to be left alone, `calls` functions whose calls are."""
    scanner = Scanner(text)
    scanner.file()
    quiet = [range(match.start(), text.index(";", match.start()) + 1) for name in calls for match in re.finditer(rf"^\t+{name}\(", text, re.M)]
    seen = set()
    for operator, function, edits in sorted(scanner.changes, key=lambda change: change[2][0][0]):
        first, last = edits[0][0], edits[-1][1]
        if function in skip or any(first in lines for lines in quiet):
            continue
        source = text
        for start, end, replacement in reversed(edits):
            source = source[:start] + replacement + source[end:]
        begin, stop = text.rfind("\n", 0, first) + 1, text.find("\n", last)
        before, after = text[begin:stop], source[begin:stop + len(source) - len(text)]
        if source not in seen:
            seen.add(source)
            yield Mutant(file, function, text.count("\n", 0, first) + 1, operator, normal(before), normal(after), source)
