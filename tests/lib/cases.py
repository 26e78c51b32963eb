"""The frame of the test programs that are written in Python: a case is a function whose name begins with `test_`; its docstring or
name is the sentence. `main()` runs them all and ends with `N passed, N failed`."""
import argparse
import inspect
import pathlib
import sys
import tempfile
import traceback


class Skipped(Exception):
    """Why a case was not run."""


def arguments(extra=()):
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    for name, options in extra:
        parser.add_argument(name, **options)
    return parser.parse_args()


def main(module_name, options):
    """Runs each test_* function of the module; one that takes an argument `folder` gets a temporary folder of its own. One that raises
    Skipped cannot be run here: that is told, and counted neither way."""
    passed = failed = skipped = 0
    for name, function in list(vars(sys.modules[module_name]).items()):
        if not name.startswith("test_") or options.only not in name:
            continue
        try:
            if "folder" in inspect.signature(function).parameters:
                with tempfile.TemporaryDirectory() as folder:
                    function(options, pathlib.Path(folder))
            else:
                function(options)
            passed += 1
        except Skipped as why:
            skipped += 1
            print(f"SKIP {name}: {why}")
        except Exception:  # a case may fail in any way; the others still run
            failed += 1
            print(f"FAIL {name}")
            traceback.print_exc(file=sys.stdout)
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not (passed or skipped) else 0)
