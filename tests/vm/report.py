# SPDX-License-Identifier: Apache-2.0
"""What the lanes found out, for people: a line each, and docs/kernels.md."""
import collections
import json
import re
from xml.etree import ElementTree

HOOKS = ("process/exec_prepare", "process/exec_failed", "process/exit", "process/oom", "stdio/transfer")
DOORS = ("fentry", "syscall")
LETTERS = {"fentry": "A", "syscall": "B"}
OWN = "own"  # what the agents of a test's own choose
# What docs/kernels.md says below this is written by hand.
BY_HAND = "<!-- by hand from here on -->\n"


class Lane:
    """Of one kernel: its release, the doctor's answers, the doors that were open, and what became of each test."""

    def __init__(self, directory):
        suite = ElementTree.parse(directory / "junit.xml").getroot().find("testsuite")
        self.release = (directory / "release").read_text().strip()
        self.commit = (directory / "commit").read_text().strip()
        self.seconds = float(suite.get("time"))
        self.name = self.release.replace("-cloud-amd64", "").replace("-cloud-", " ")
        properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
        self.doctor = {door: json.loads(properties[f"doctor-{door}"]) for door in DOORS}
        self.doctor["auto"] = json.loads((directory / "doctor.json").read_text())
        self.doors = [door for door in DOORS if properties.get(door) == "attached"]
        self.cases = {}  # (file, test) -> [outcome, …], one a parameter
        self.through = {}  # (file, test) -> how many of those that passed were seen the same through which doors
        self.skipped = {}  # (file, test) -> why
        for case in suite.iter("testcase"):
            self._add(case)

    def _add(self, case):
        key = case.get("classname").split(".")[-1], re.sub(r"\[.*", "", case.get("name"))
        skip = case.find("skipped")
        failed = case.find("failure") is not None or case.find("error") is not None
        outcome = "failed" if failed else "skipped" if skip is not None else "passed"
        self.cases.setdefault(key, []).append(outcome)
        if skip is not None:
            self.skipped[key] = skip.get("message")
        if outcome == "passed":
            equal = [each.get("value").split() for each in case.iter("property") if each.get("name") == "equal"]
            doors = "".join(LETTERS[door] for door in equal[0]) if equal else OWN
            self.through.setdefault(key, collections.Counter())[doors] += 1

    def seen_through(self, door):
        """Cases that passed with this door's agent counting what the server says, or the same as the one that did."""
        return sum(n for counts in self.through.values() for doors, n in counts.items() if LETTERS[door] in doors)

    def count(self, outcome):
        return sum(outcomes.count(outcome) for outcomes in self.cases.values())

    def flavour(self, door, hook):
        """By which way a hook is served with that door; what is missing where it is not."""
        for each in self.doctor[door]["hooks"]:
            if f"{each['family']}/{each['hook']}" == hook:
                return each["flavour"] or "–"
        return "–"


def summary(directory):
    if not (directory / "junit.xml").exists():
        said = re.findall(r"=+ (.* in .*) =+$", (directory / "output").read_text(errors="replace"), re.M)
        return said[-1] if said else "done"
    lane = Lane(directory)
    counts = ", ".join(f"{lane.count(what)} {what}" for what in ("passed", "failed", "skipped") if lane.count(what))
    through = ", ".join(f"{lane.seen_through(door)} through {door}" for door in DOORS)
    return f"Linux {lane.release}: {counts}; {through}"


def row(*cells):
    return "| " + " | ".join(cells) + " |\n"


def cell(lane, key):
    outcomes = lane.cases.get(key, [])
    passed = outcomes.count("passed")
    if not passed:
        return "–"
    of_all = "" if passed == len(outcomes) else f" of {len(outcomes)}"
    return ", ".join(f"{n} {doors}" for doors, n in sorted(lane.through[key].items())) + of_all


def lanes_table(lanes):
    text = row("Linux", "cases", "passed", "through door A", "through door B", "by agents of their own", "skipped", "failed", "seconds", "commit")
    text += row(*["---"] * 10)
    for name, lane in lanes.items():
        passed = lane.count("passed")
        own = sum(counts[OWN] for counts in lane.through.values())
        cases = sum(map(len, lane.cases.values()))
        doors = [lane.seen_through(door) for door in DOORS]
        numbers = (cases, passed, *doors, own, lane.count("skipped"), lane.count("failed"), round(lane.seconds))
        text += row(name, *map(str, numbers), f"`{lane.commit}`")
    return text


def hooks_table(lanes):
    text = row("hook", *lanes) + row(*["---"] * (len(lanes) + 1))
    for hook in HOOKS:
        cells = []
        for lane in lanes.values():
            by_door = [lane.flavour(door, hook) for door in DOORS]
            cells.append(by_door[0] if by_door[0] == by_door[1] else " / ".join(by_door))
        text += row(hook, *cells)
    works = [lane.doctor["auto"]["works"] for lane in lanes.values()]
    return text + row("the doctor says: works", *works)


def cases_table(lanes):
    keys = sorted({key for lane in lanes.values() for key in lane.cases})
    text = row("test", *lanes) + row(*["---"] * (len(lanes) + 1))
    for key in keys:
        text += row(f"`{key[0]}`: {key[1].removeprefix('test_').replace('_', ' ')}", *(cell(lane, key) for lane in lanes.values()))
    return text


def skips(lanes):
    reasons = {}
    for name, lane in lanes.items():
        for key, why in lane.skipped.items():
            reasons.setdefault((key[1], why), []).append(name)
    return "".join(f"- {test.removeprefix('test_')} on {', '.join(names)}: {why}\n" for (test, why), names in sorted(reasons.items()))


PAGE = """# Under which kernels this was run

Written by `make test-vm`: real Bun under Debian's kernels, on x86-64 where nothing else is said, each in an emulated machine (QEMU without KVM, so times mean nothing
here). Two agents watch each run, one through door A (`--probe.stdio=fentry`), one through door B (`syscall`): the numbers of
one are compared with what the server itself saw, and all that both expose, but times, with each other.

## The lanes

{lanes}
A case that passed through A and not through B: the kernel had left out programs of door B's agent meanwhile (`programs_missed`), and said so.

## What serves each hook

Door A's agent / door B's agent, where they differ; – where nothing serves it.

{hooks}
## What was run

Number of cases that passed, and the doors through which they were seen: `A` alone where B's agent was left out, `own` where the test
starts agents of its own, by whatever they choose. – means that it could not be run there.

{cases}
{skips}
"""


def page(directory, kernels):
    lanes = {}
    for kernel in kernels:
        if (directory / kernel / "junit.xml").exists():
            lane = Lane(directory / kernel)
            lanes[lane.name] = lane
    notes = skips(lanes)
    return PAGE.format(
        lanes=lanes_table(lanes),
        hooks=hooks_table(lanes),
        cases=cases_table(lanes),
        skips=f"Skipped:\n\n{notes}" if notes else "",
    )


def write(path, text):
    """In place of what a run wrote before; what follows by hand stays."""
    before = path.read_text() if path.exists() else ""
    path.write_text(text + BY_HAND + before.partition(BY_HAND)[2])
