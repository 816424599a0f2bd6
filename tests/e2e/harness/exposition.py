# SPDX-License-Identifier: Apache-2.0
"""A strict reader of the Prometheus text format and of OpenMetrics: what it does not understand is an error."""
import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)",?')
VALUE = re.compile(r" (\S+)(?: \S+)?(?: # \{.*\} .*)?$")
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
SUFFIXES = ("_bucket", "_sum", "_count", "_total", "_created", "_info")


@dataclass
class Exposition:
    samples: dict = field(default_factory=dict)  # (name, ((label, value), …)) -> float
    types: dict = field(default_factory=dict)  # family -> type
    helps: dict = field(default_factory=dict)

    def value(self, name, **labels):
        """The sample with exactly these labels, 0 when there is none."""
        return self.samples.get(key(name, **labels), 0.0)

    def total(self, name, **labels):
        """The sum over all samples of that name that carry these labels."""
        wanted = set(labels.items())
        return sum(v for (n, own), v in self.samples.items() if n == name and wanted <= set(own))

    def type_of(self, name):
        for suffix in ("",) + SUFFIXES:
            family = name[: len(name) - len(suffix)] if suffix else name
            if name.endswith(suffix) and family in self.types:
                return self.types[family]
        return None


def key(name, **labels):
    return name, tuple(sorted(labels.items()))


def unescape(text):
    return re.sub(r'\\[\\"n]', lambda match: ESCAPES[match.group()], text)


def parse_labels(line, start):
    """Labels may hold any character: walks them from behind the brace. Returns them, and where they end."""
    labels = {}
    position = start
    while line[position : position + 1] != "}":
        match = LABEL.match(line, position)
        assert match and match.group(1) not in labels, f"malformed labels: {line!r}"
        name, value = match.group(1), unescape(match.group(2))
        labels[name] = repr(float(value)) if name == "le" else value
        position = match.end()
    return tuple(sorted(labels.items())), position + 1


def parse_sample(line):
    name = re.match(NAME, line)
    assert name, f"malformed sample: {line!r}"
    labels, end = (), name.end()
    if line[end : end + 1] == "{":
        labels, end = parse_labels(line, end + 1)
    value = VALUE.match(line, end)
    assert value, f"malformed sample: {line!r}"
    return (name.group(), labels), float(value.group(1))


def parse_comment(line, exposition):
    words = line.split(" ", 3)
    if words[1] == "TYPE":
        assert words[2] not in exposition.types, f"second TYPE: {line!r}"
        exposition.types[words[2]] = words[3]
    elif words[1] == "HELP":
        assert words[2] not in exposition.helps, f"second HELP: {line!r}"
        exposition.helps[words[2]] = words[3]
    else:
        assert words[1] in ("UNIT", "EOF"), f"unknown comment: {line!r}"


def parse(text):
    assert text.endswith("\n"), "no newline at the end"
    exposition = Exposition()
    for line in text[:-1].split("\n"):
        assert line, "an empty line"
        if line.startswith("#"):
            parse_comment(line, exposition)
            continue
        sample, value = parse_sample(line)
        assert sample not in exposition.samples, f"a series twice: {line!r}"
        assert exposition.type_of(sample[0]), f"no TYPE before {line!r}"
        exposition.samples[sample] = value
    return exposition
