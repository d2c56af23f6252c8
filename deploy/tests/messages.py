"""Every message that a relay logs, as the sources have it, with `…` where it names something."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.tests.support import SOURCES

ROOMS = ("Sources/Service", "Sources/Adoption")
CALL = re.compile(r"\blogger\.(?:trace|debug|info|notice|warning|error|critical)\(|\blogger\.log\(level: [^,]+,")
"""What writes a line; the message is its first argument."""
NEWS = re.compile(r"\.(?:withdrawn|granted|troubled)\(|\bStandardError\.write\(\s*line:")
"""What the supervisor logs as it is, and lines of the time before there is a log."""
TEXTS = re.compile(r"\bvar message: Logger\.Message \{|\bstatic let withoutBroker =")
"""Texts that are kept apart from what logs them."""
NOTES = {
    "Sources/Adoption/AdoptedListeners.swift": r"return \[",
    "Sources/Adoption/AdoptableService.swift": r"return \[(?=\n)",
    "Sources/Service/Configuration/SourcePoolRoute.swift": r"return(?=\n)",
    "Sources/Service/Configuration/ServingFailure.swift": r"let start = ",
}
"""Where other texts that are logged are made, and how each begins."""
RELAYED = {
    '"\\(ConfigurationError.cannotServe("metrics", on: place, of: .metrics, error))"',
    '"\\(note)"', '"\\(what)"', "trouble.message", "news.message", "Self.withoutBroker",
}
"""Arguments whose texts come from the places above."""


@dataclass(frozen=True)
class Message:
    text: str
    file: str


def literal(source: str, start: int) -> tuple[str, int]:
    """The Swift string that begins at a quotation mark, and where it ends."""
    text, at = "", start + 1
    while source[at] != '"':
        if source.startswith("\\(", at):
            at = closing(source, at + 2) + 1
            text += "…"
        elif source[at] == "\\":
            text += source[at + 1]
            at += 2
        else:
            text += source[at]
            at += 1
    return text, at + 1


def closing(source: str, at: int, stops: str = ")") -> int:
    """Where the bracket ends inside of which we are; or, before that, one of the stops."""
    depth = 0
    while True:
        character = source[at]
        if character == '"':
            at = literal(source, at)[1]
            continue
        if depth == 0 and character in stops:
            return at
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(character, 0)
        at += 1


def texts(source: str) -> Iterator[str]:
    """The strings of an expression or a block; those that are added to each other are one."""
    whole, at = None, 0
    while (begin := source.find('"', at)) >= 0:
        joins = whole is not None and source[at:begin].strip() == "+"
        if whole is not None and not joins:
            yield whole
            whole = None
        text, at = literal(source, begin)
        whole = (whole or "") + text
    if whole is not None:
        yield whole


def places(source: str, name: str) -> Iterator[str]:
    """The parts of a file in which there are messages."""
    for found in [*CALL.finditer(source), *NEWS.finditer(source)]:
        part = source[found.end() : closing(source, found.end(), ",)")].strip()
        # A pattern of a case is none: `case .granted(let what)`.
        if part not in RELAYED and not part.startswith("let "):
            yield part
    notes = re.compile(NOTES[name]).finditer(source) if name in NOTES else []
    for found in [*TEXTS.finditer(source), *notes]:
        blank = "\n" if found.group()[-1] == " " else "\n\n"
        end = closing(source, found.end(), "]}") if found.group()[-1] in "[{" else source.find(blank, found.end())
        yield source[found.end() : end]


def all_messages() -> list[Message]:
    """Every message; a call of which no text is known gives an empty one."""
    found = []
    for room in ROOMS:
        for path in sorted((SOURCES / room).rglob("*.swift")):
            source = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M)
            name = str(path.relative_to(SOURCES))
            for part in places(source, name):
                found += [Message(text, name) for text in list(texts(part)) or [""]]
    return found
