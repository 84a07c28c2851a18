# SPDX-License-Identifier: GPL-2.0-or-later
"""Configuration texts for the comparison with Config::General: tricky ones by hand, and random ones."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """A main file, what lies beside it, and where the two parsers are meant to differ."""

    name: str
    text: str
    files: dict[str, str] = field(default_factory=dict)
    differs: str = ""  # the reason, when the two may differ


ALIKE = [
    Case("empty", ""),
    Case("only blanks", "\n  \n\t\n"),
    Case("no newline at the end", "a b"),
    Case("key and value", "a b\nc = d\ne=f\ng   =   h i  \n"),
    Case("key alone", "a\nb =\nc=\nd \n"),
    Case("first separator wins", "a b=c\na=b c\nd = e = f\ng == h\n"),
    Case("no key", "=a\n = b\n"),
    Case("tabs and other blanks", "\ta\tb\t\nc \v d\ne\f=\ff\n"),
    Case("repeated", "a 1\na 2\na 3\nb 1\nb\nb 2\n"),
    Case("case matters", "a 1\nA 2\n<T x>\n</T>\n<t x>\n</t>\n"),
    Case("hash comment", "# a\na b # c\nb c#d\n#\n   # x\nc \\#d # e\nd \\\\#e\n"),
    Case("hash in quotes is a comment all the same", 'a "b # c"\n'),
    Case("escapes", 'a \\$x\nb \\"y\\"\nc a\\\\b\nd a\\nb\ne \\#\nf a\\\\\\#b\n'),
    Case("keys keep their backslashes", "a\\$ b\n\\# c\n"),
    Case("quotes", 'a "b c"\nb "b"c"\nc "\nd ""\ne "x\nf x"\ng = " y "\nh \'z\'\n'),
    Case("quotes and escapes", 'a "\\"b\\""\nb "c\\"\nc "\\\\"\n'),
    Case("variables stay", "a ${tid}\nb $x\nc tid=${tid},lun=${lun}\n"),
    Case("continued", "a b \\\nc \\\n   d\ne f\n"),
    Case("continued to an empty line", "a b \\\n\nc d\n"),
    Case("continued to a comment", "a b \\\n# x\nc d\n"),
    Case("two backslashes do not continue", "a b\\\\\nc d\n"),
    Case("backslash and blank do not continue", "a b\\ \nc d\n"),
    Case("comment hides the backslash", "a b # c \\\nd e\n"),
    Case("only a backslash", "\\\na b\n"),
    Case("continued block", "<target \\\n  x>\na b\n</target>\n"),
    Case("continued include is none", "include \\\n x\n"),
    Case("c comment", "/* a */\na b\n/* b\nc d\n*/\ne f\n/*\n*/ g h\n"),
    Case("c comment inline", "a /* b */ c\nd e /* f */\n/* g */ h i\n"),
    Case("c comments are greedy", "a /* b */ c /* d */ e\n"),
    Case("c comment needs the beginning of a line", "a b /* c\nd e\n"),
    Case("c comment in a c comment", "/* a\n/* b */\nc d\n*/ e f\ng h\n"),
    Case("odd c comment", "/*/\na b\n"),
    Case("end of a comment that never began", "a */ b c\n"),
    Case("here-document", "a <<EOF\nb\n  c # d\n\\\nEOF\ne f\n"),
    Case("here-document with =", "a = <<EOF\nb\nEOF\nc d=<<X\nz\nX\n"),
    Case("indented here-document", "a <<EOF\n    b\n      c\n  d\n    EOF\ne f\n"),
    Case("here-document with tabs", "a <<EOF\n\tb\n\t EOF\n\tEOF\n"),
    Case("here-document with quotes", 'a <<EOF\n"b\n\nc"\nEOF\nd << EOF\n"\nEOF\n'),
    Case("empty here-document", "a <<EOF\nEOF\nb <<EOF\n\n\nEOF\n"),
    Case("marker of two words", "a <<THE END\nb\nEND\nTHE END\n"),
    Case("here-document with a line like a block", "a <<EOF\n<b c>\n</b>\ninclude x\nEOF\n"),
    Case("here-document without a key", "<<EOF x\n"),
    Case("block", "<a>\nb c\n</a>\n<d e>\nf g\n</d>\n"),
    Case("nested blocks", "<a b>\n<c d>\n<e f>\ng h\n</e>\n</c>\n</a>\n"),
    Case("blocks merge", "<a b>\nc d\n</a>\nx y\n<a b>\nc e\nf g\n</a>\n<a h>\n</a>\n"),
    Case("nested blocks merge", "<a b>\n<c d>\ne f\n</c>\n</a>\n<a b>\n<c d>\ne g\n</c>\n</a>\n"),
    Case("unnamed blocks merge", "<a>\nb c\n</a>\n<a>\nb d\n</a>\n"),
    Case("block with and without a name", "<a b>\nc d\n</a>\n<a>\nb x\n</a>\n"),
    Case("quoted block names", '<"a">\nb c\n</"a">\n<d "e f">\n</d>\n<"g h" i>\n</g>\n'),
    Case("half-quoted block names", '<a "b>\n</a>\n<c d"e"f>\n</c>\n<"g"h i>\n</g>\n'),
    Case("argument of several words", "<a b c  d>\n</a>\n"),
    Case("indented blocks", "  <a b>  \n\tc d\n  </a>\t\n"),
    Case("empty block", "<a b/>\n<c/>\n<d e/>\nf g\n"),
    Case("empty block in a block", "<a b>\n<c d/>\ne f\n</a>\n"),
    Case("any end ends a block", "<a b>\nc d\n</x>\n"),
    Case("block with a comment", "<a b> # c\n</a> # d\n"),
    Case("path as an argument", "<backing-store /dev/x>\nlun 1\n</backing-store>\n"),
    Case("block without an end", "<a b>\nc d\n"),
    Case("end without a block", "a b\n</a>\n"),
    Case("too many ends", "<a b>\n</a>\n</a>\n"),
    Case("no blocks", "<>\n</>\n<\n>\n< x\n"),
    Case("blank before the name of a block", "< a b>\n</a>\n"),
    Case("line and then block", "a b\n<a c>\n</a>\n"),
    Case("block and then line", "<a c>\n</a>\na b\n"),
    Case("bytes beyond ASCII", "a \u00e4\u00f6\n<b \u20ac>\n</b>\n"),
    Case("carriage returns", "a b\r\n<c d>\r\ne f\r\n</c>\r\n"),
    Case("include", "a b\ninclude x.conf\nc d\n", {"x.conf": "e f\n"}),
    Case("Include", "Include x.conf\nINCLUDE y.conf\n", {"x.conf": "e f\n", "y.conf": "g h\n"}),
    Case("include in quotes", "include \"x y.conf\"\ninclude'z'\n", {"x y.conf": "a b\n", "z": "c d\n"}),
    Case("include in a block", "<a b>\ninclude x\n</a>\n", {"x": "c d\n<e f/>\n"}),
    Case("block over files", "include x\nc d\n</a>\n", {"x": "<a b>\n"}),
    Case(
        "include a pattern",
        "include d/*.conf\n",
        {"d/b.conf": "a 2\n", "d/a.conf": "a 1\n", "d/C.conf": "a 0\n", "d/x": "a 3\n"},
    ),
    Case(
        "include with braces",
        "include d/{b,a}*.conf\ninclude d/[xy]?\n",
        {"d/b.conf": "a 2\n", "d/a.conf": "a 1\n", "d/a2.conf": "a 4\n", "d/x1": "a 9\n", "d/z1": "a 8\n"},
    ),
    Case("include a pattern without files", "a b\ninclude nothing/*.conf\ninclude *.nothing\nc d\n"),
    Case("include a folder", "include d\n", {"d/b": "a 2\n", "d/.a": "a 1\n", "d/A": "a 0\n", "d/e/f": "a 3\n"}),
    Case("include what is missing", "include missing\n"),
    Case("includeoptional", "includeoptional missing\nIncludeOptional x\n", {"x": "a b\n"}),
    Case("include twice", "include x\ninclude x\n", {"x": "a b\n"}),
    Case("include in a circle", "a b\ninclude x\n", {"x": "c d\ninclude y\n", "y": "e f\ninclude x\n"}),
    Case("include itself", "a b\ninclude main.conf\n"),
    Case("included folders are those of the main file", "include d/x\n", {"d/x": "include y\n", "y": "a b\n"}),
    Case("what is no include", "includes x\ninclude\nincludex y\n"),
    Case("include with a comment", "include x # y\ninclude y /* z */\n", {"x": "a b\n", "y": "c d\n"}),
    Case("byte order mark", "\ufeffa b\n"),
]

DIFFERENT = [
    Case(
        "here-document without an end",
        "a b\nc <<EOF\n<target x>\n</target>\n",
        differs="all that follows would be dropped without a word, and tgt-admin -e would remove those targets",
    ),
    Case(
        "c comment without an end",
        "a b\n/* c\n<target x>\n</target>\n",
        differs="all that follows would be dropped without a word, and tgt-admin -e would remove those targets",
    ),
    Case("continued at the end of the file", "a b\nc d \\\n", differs="the line would be dropped"),
    Case("continued with CRLF", "a b \\\r\nc\r\n", differs="files with CRLF mean the same as with LF"),
    Case("here-document with CRLF", "a <<EOF\r\nb\r\nc\r\nEOF\r\n", differs="CRLF"),
    Case(
        "pattern that looks like a comment",
        "include */*.conf\na b\n",
        {"d/x.conf": "c d\n"},
        differs="*/ in a path would count as the end of a comment",
    ),
    Case("comment with a pattern", "# see d/*/x\na b\n", differs="the # comment would end at */"),
    Case("include in quotes and a blank", 'include "x" \n', {"x": "a b\n"}, differs="would be an error"),
    Case("the other way to include", "<<include x>>\n", {"x": "a b\n"}, differs="would be an error"),
    Case("beside the including file", "include d/x\n", {"d/x": "include y\n", "d/y": "a b\n"}, differs="would be an error"),
    Case("the same file by another name", "include x\ninclude d/../x\n", {"x": "a b\n", "d/y": ""}, differs="read once, as with one name"),
    Case("blank at the end of an argument", "<a b >\n</a>\n<c >\n</c>\n", differs="would be part of the name"),
    Case("empty block and a blank", "<a b/> \nc d\n", differs="the slash would be part of the name"),
    Case("empty block in a value", "a <b/>\nc d\n", differs="would end the surrounding block"),
    Case("escaped # in an argument", "<a b\\#c>\n</a>\n", differs="there would be no way to say #"),
    Case("NUL byte", "a b\0c\n", differs="refused: no command line could carry it"),
    Case("here-document with the key 0", "0 <<EOF\na\nEOF\n", differs="would be no here-document"),
    Case("continued line that begins with 0 alone", "0\\\n1 2\n", differs="the 0 would be dropped"),
    Case("block with the name 0", '<a "0">\n</a>\n', differs="would have no name"),
    Case("here-document on a continued line", "a \\\nb <<EOF\nc\nEOF\n", differs="would mix up the lines; refused"),
    Case(
        "block, line, block",
        "<a b>\n</a>\na c\n<a b>\n</a>\n",
        differs="the check of the directives refuses it, with tgt's words",
    ),
    Case("deep", "<a b>\n" * 40 + "</a>\n" * 40, differs="at most 32 deep"),
]

WORDS = ["a", "bb", "target", "iqn.2001-04.x:y", "/dev/sdb", "10.0.0.0/8", "x=y", "a=b c", "\u00e9"]
ODD = [
    '"', "\\", "\\\\", "\\#", "\\$", '\\"', "#", "$", "${tid}", "=", " = ", "'", "\t", "  ", "<", ">",
    "</", "/>", "a#b", "k=v,l=w", '"q r"', '"q', 'r"', "0", "-", ":", ";", "*", "/",
]  # fmt: skip


class Writer:
    """Random texts of what the syntax knows, from a seed, without what DIFFERENT lists."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0

    def one_of(self, *makers):
        return self.random.choice(makers)()

    def chance(self, part: float) -> bool:
        return self.random.random() < part

    def value(self) -> str:
        parts = [self.random.choice(WORDS + ODD) for _ in range(self.random.randint(0, 5))]
        text = self.random.choice(["", " "]).join(parts)
        # Neither a here-document without an end nor the end of a comment behind a #.
        return text.replace("<<", "<").replace("< <", "<").replace("*/", "*")

    def key(self) -> str:
        self.count += 1
        # A key of its own for each kind, so that lines and blocks do not meet.
        return self.random.choice(["k", "key", "k\\x", "long-key_name", "K"]) + str(
            self.random.randint(0, 9)
        )

    def blank(self) -> str:
        return self.random.choice(["", "", " ", "\t", "   "])

    def line(self) -> str:
        text = self.blank() + self.key()
        if self.chance(0.9):
            text += self.random.choice([" ", "=", " = ", "\t", "  "]) + self.value()
        if text.rstrip().endswith("/>"):
            text += "x"
        if self.chance(0.15) and not text.endswith("\\"):
            cut = self.random.randint(1, len(text))
            if "<<" not in text and text[cut - 1] != "\\":
                text = text[:cut] + "\\\n" + self.blank() + text[cut:].lstrip(" \t") + "z"
        if self.chance(0.1):
            text = text.rstrip("\\ \t") + self.random.choice(["# c", " # c \\x", " /* c */", "\t#"])
        return text + "\n" + ("" if not text.endswith("\\") else "\n")

    def document(self) -> str:
        indent = self.blank()
        lines = [self.blank() + indent + self.value() for _ in range(self.random.randint(0, 4))]
        marker = self.random.choice(["EOF", "END_1", "x.y", "*+?"])
        lines = [text for text in lines if text.strip() != marker]
        start = self.key() + self.random.choice([" <<", " = <<", "=<<", " << "]) + marker
        return "\n".join([start, *lines, indent + marker]) + "\n"

    def comment(self) -> str:
        return self.random.choice(
            ["# x\n", "/* x */\n", "/* x\ny z\n*/\n", "\n", "  \n", "#\n", "/*\n*/\n", "/* a\n<b c>\n*/ \n"]
        )

    def block(self, depth: int) -> str:
        name = self.random.choice(["Block", "T", "named", '"Q"'])
        argument = self.random.choice(
            ["a", "b", "/dev/x y", '"a b"', '"/dev/x"', "iqn.x:y", 'c"d', "é", "x=y"]
        )
        if self.chance(0.2):
            return f"{self.blank()}<{name} {argument}/>\n" if '"' not in argument else ""
        inside = self.body(depth + 1, self.random.randint(0, 4))
        end = name.strip('"') if self.chance(0.9) else "other"
        gap = self.random.choice([" ", "  ", "\t"])
        return f"{self.blank()}<{name}{gap}{argument}>{self.blank()}\n{inside}{self.blank()}</{end}>\n"

    def body(self, depth: int, count: int) -> str:
        out = ""
        for _ in range(count):
            kind = self.random.random()
            if kind < 0.55:
                out += self.line()
            elif kind < 0.65:
                out += self.document()
            elif kind < 0.8 or depth > 3:
                out += self.comment()
            else:
                out += self.block(depth)
        return out

    def text(self) -> str:
        text = self.body(0, self.random.randint(1, 10))
        if self.chance(0.05):  # blocks that do not fit
            text += self.random.choice(["</x>\n", "<x y>\n", "</T>\na b\n"])
        return text


def random_cases(count: int, seed: int) -> list[Case]:
    writer = Writer(seed)
    return [Case(f"random {seed}.{i}", writer.text()) for i in range(count)]
