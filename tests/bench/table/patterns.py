#!/usr/bin/env python3
"""Look-ups in large pattern tables through our postmap and another one, in turns.

    tests/bench/table/patterns.py --other "/usr/sbin/postmap -c /etc/postfix"

Prints the best wall time of each and their ratio, process start and reading of the table included. Both must answer alike; a
ratio below the promise of its line ends the program with 1.
"""
import argparse
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile
import time

WORDS = ["money", "offer", "invoice", "urgent", "winner", "parcel", "account", "loan", "casino", "crypto", "refund", "prize"]


def addresses(count):
    return [f"user{random.randrange(1100)}@example{random.randrange(1100)}.com" for _ in range(count)]


def pcre_addresses():
    """One rule an address, as sites have them that outgrew a hash table."""
    rules = [f"/^user{i}@example{i}\\.com$/ v{i}" for i in range(1000)]
    return "pcre", rules, addresses(20000) + [f"user{i}@example{i}.com" for i in range(1000)]


def pcre_headers():
    """Header checks: blocks, groups, alternatives, substitution."""
    rules = []
    for i in range(1000):
        first, second = random.sample(WORDS, 2)
        rules.append(f"/^Subject:.*\\b{first}\\W+(?:{second}|{second[::-1]})\\s+no\\.?\\s*({i:04d})/ REJECT rule {i} hit $1")
        if i % 100 == 0:
            rules += ["if /^Received:/", f"/from relay{i}\\.example\\.net \\(\\[([0-9.]+)\\]\\)/ WARN $1", "endif"]
    keys = []
    for _ in range(10000):
        text = " ".join(random.choices(WORDS, k=8))
        keys.append(f"Subject: {text} no. {random.randrange(3000):04d}")
        keys.append(f"Received: from relay{random.randrange(20) * 50}.example.net ([192.0.2.{random.randrange(256)}]) by mx; {text}")
    return "pcre", rules, keys


def pcre_without_literals():
    """The worst case for any filter: rules that share no plain text."""
    rules = [f"/^[a-f]+[0-9]{{{i % 7 + 2},}}[x-z]{{{i // 7 % 5 + 1}}}[g-k]{{{i // 35 + 1}}}$/ v{i}" for i in range(1000)]
    return "pcre", rules, ["".join(random.choices("abcdef", k=9)) + str(random.randrange(10**6)) + "xgh" for _ in range(5000)]


def regexp_addresses():
    """The same as POSIX expressions."""
    _, rules, keys = pcre_addresses()
    return "regexp", rules, keys[:5000]


def cidr_networks():
    """10,000 networks of three sizes."""
    rules = []
    for i in range(10000):
        length = random.choice([16, 20, 24, 32])
        network = random.getrandbits(32) >> (32 - length) << (32 - length)
        rules.append(f"{network >> 24}.{network >> 16 & 255}.{network >> 8 & 255}.{network & 255}/{length} v{i}")
    return "cidr", rules, [".".join(str(random.randrange(256)) for _ in range(4)) for _ in range(20000)]


# What the design promises: so many times as fast, at least.
PROMISES = [(pcre_addresses, 2), (pcre_headers, 2), (pcre_without_literals, 1), (regexp_addresses, 2), (cidr_networks, 2)]


def run(command, table, keys):
    start = time.perf_counter()
    done = subprocess.run([*command, "-q", "-", table], input=keys, capture_output=True)
    return time.perf_counter() - start, done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--other", required=True, help="another postmap, with its options")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    other = shlex.split(options.other)
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "main.cf").write_text("compatibility_level = 3.6\n")
        ours = [str(options.build / "sbin/postmap"), "-c", str(folder)]
        for make, promise in PROMISES:
            random.seed(1)
            kind, rules, keys = make()
            path = folder / make.__name__
            path.write_text("\n".join(rules) + "\n")
            text = ("\n".join(keys) + "\n").encode()
            best = [float("inf"), float("inf")]
            for _ in range(options.rounds):
                answers = []
                for which, command in enumerate([ours, other]):
                    seconds, output = run(command, f"{kind}:{path}", text)
                    best[which] = min(best[which], seconds)
                    answers.append(output)
                if answers[0] != answers[1]:
                    print(f"{make.__name__}: the answers differ")
                    return 1
            ratio = best[1] / best[0]
            kept = kept and ratio >= promise
            print(f"{make.__name__:22} {len(rules):6} rules {len(keys):6} keys: ours {best[0] * 1000:7.1f} ms, other "
                  f"{best[1] * 1000:7.1f} ms, {ratio:5.1f} times as fast (promised {promise})", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
