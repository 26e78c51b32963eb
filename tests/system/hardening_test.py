#!/usr/bin/env python3
"""Every hardening flag must have left its mark on every program that is installed."""
import pathlib
import json
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402

# Compiler flags that every unit of our own must have been compiled with; GCC records them in the debug information.
COMPILER_FLAGS = [
    "-O2", "-D_FORTIFY_SOURCE=3", "-D_GLIBCXX_ASSERTIONS", "-fstack-protector-strong", "-fstack-clash-protection",
    "-fcf-protection=full", "-ftrivial-auto-var-init=zero", "-fno-delete-null-pointer-checks", "-fno-strict-aliasing",
    "-fharden-compares", "-fharden-conditional-branches", "-fzero-call-used-regs=used-gpr", "-fPIE",
]


def programs(build):
    found = [p for folder in ("sbin", "libexec/postfix") for p in sorted((build / folder).glob("*")) if p.is_file()]
    assert found, f"no programs in {build}"
    return found


def readelf(program, *options):
    return subprocess.run(["readelf", "-W", *options, program], check=True, capture_output=True, text=True).stdout


def each_program(options, check):
    wrong = [f"{p.name}: {problem}" for p in programs(options.build) for problem in [check(p)] if problem]
    assert not wrong, "\n".join(wrong)


def test_position_independent(options):
    each_program(options, lambda p: "" if "DYN (Position-Independent" in readelf(p, "-h") else "not PIE")


def test_relocations_are_read_only_and_bound_at_start(options):
    def check(program):
        dynamic = readelf(program, "-d")
        if "GNU_RELRO" not in readelf(program, "-l"):
            return "no RELRO"
        if "BIND_NOW" not in dynamic and not re.search(r"FLAGS_1.*NOW", dynamic):
            return "not bound at start"
        return "TEXTREL" if "TEXTREL" in dynamic else ""
    each_program(options, check)


def test_stack_is_not_executable(options):
    each_program(options, lambda p: "" if re.search(r"GNU_STACK.* RW +0x", readelf(p, "-l")) else "executable stack")


def test_no_segment_is_writable_and_executable(options):
    each_program(options, lambda p: "RWE segment" if re.search(r"LOAD.* RWE ", readelf(p, "-l")) else "")


def test_no_library_search_path(options):
    each_program(options, lambda p: "search path" if re.search(r"R(UN)?PATH", readelf(p, "-d")) else "")


def test_stack_protector_and_fortified_calls(options):
    def check(program):
        symbols = readelf(program, "--dyn-syms")
        if "__stack_chk_fail" not in symbols:
            return "no stack protector"
        return "" if re.search(r"__\w+_chk\b", symbols.replace("__stack_chk_fail", "")) else "no fortified calls"
    each_program(options, check)


def test_branch_targets_are_marked(options):
    def check(program):
        disassembly = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "--section=.text", program],
                                     check=True, capture_output=True, text=True).stdout
        return "" if disassembly.count("endbr64") > 50 else "no endbr64"
    each_program(options, check)


def test_every_unit_was_compiled_with_every_flag(options):
    def check(program):
        information = readelf(program, "--debug-dump=info", "--dwarf-depth=1")
        producers = set(re.findall(r"DW_AT_producer\s*:.*?(GNU C\+\+23.*)", information))
        if not producers:
            return "no record of compiler flags"
        missing = {flag for flag in COMPILER_FLAGS for line in producers if flag not in line
                   and not flag.startswith("-D")}
        return f"compiled without {' '.join(sorted(missing))}" if missing else ""
    each_program(options, check)


def test_every_compile_command_defines_the_checks(options):
    commands = json.loads((options.build / "compile_commands.json").read_text())
    # The libraries of the fault tests stand between programs and libc: the checks would go around them.
    lines = [entry["command"] for entry in commands if "/tests/fault/" not in entry["file"]]
    for flag in COMPILER_FLAGS:
        without = [line for line in lines if f" {flag}" not in line]
        assert lines and not without, f"{flag} is missing in {len(without)} of {len(lines)} commands"


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
