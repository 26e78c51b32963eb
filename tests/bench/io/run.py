#!/usr/bin/env python3
"""The runtime against Debian's smtp-sink, in turns under the same load, on loopback.

    tests/bench/io/run.py --sink BUILD/tests/smtp_sink_bench --smtp-source 'CMD' --smtp-sink 'CMD'

Prints the seconds of each round and the ratio of the medians (over 1: ours is faster); exits 1 when ours is slower. The ratio
means something only while others leave the machine alone, which each line tells; the server's CPU time suffers less.
"""
import argparse
import os
import resource
import shlex
import socket
import statistics
import subprocess
import sys
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_greeting(port, server):
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as client:
                if client.recv(3) == b"220":
                    return
        except OSError:
            pass
        if server.poll() is not None:
            break
        time.sleep(0.02)
    raise SystemExit(f"{server.args} does not answer on port {port}")


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def machine_cpu():
    """Seconds of processor time that anything has taken."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _iowait, irq, softirq = map(int, stat.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def one_round(server_command, load_command, port):
    """Seconds of the load, of processor time that the server took, and of what others took."""
    server = subprocess.Popen(server_command, stdout=subprocess.DEVNULL)
    try:
        wait_for_greeting(port, server)
        start = time.monotonic()
        busy = machine_cpu()
        load = children_cpu()
        subprocess.run(load_command, check=True, timeout=300)
        load = children_cpu() - load
        busy = machine_cpu() - busy
        seconds = time.monotonic() - start
    finally:
        before = children_cpu()
        server.terminate()
        server.wait(10)
    cpu = children_cpu() - before
    return seconds, cpu, max(busy - load - cpu, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sink", required=True, help="our smtp_sink_bench")
    parser.add_argument("--smtp-source", default="smtp-source", help="command, may have words before the name")
    parser.add_argument("--smtp-sink", default="smtp-sink", help="command, may have words before the name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--messages", type=int, default=20000)
    parser.add_argument("--length", type=int, default=5000)
    options = parser.parse_args()

    # Root's smtp-sink insists on being told whose rights to take.
    rights = ["-u", "daemon"] if os.geteuid() == 0 else []

    def load(port):
        return [*shlex.split(options.smtp_source), "-s", str(options.sessions), "-m", str(options.messages),
                "-l", str(options.length), f"inet:127.0.0.1:{port}"]

    def ours(port):
        return [options.sink, str(port)]

    def theirs(port):
        return [*shlex.split(options.smtp_sink), *rights, f"inet:127.0.0.1:{port}", "1024"]

    took = {"ours": [], "smtp-sink": []}
    used = {"ours": [], "smtp-sink": []}
    for number in range(options.rounds):
        for name, command in (("ours", ours), ("smtp-sink", theirs)):
            port = free_port()
            seconds, cpu, others = one_round(command(port), load(port), port)
            took[name].append(seconds)
            used[name].append(cpu)
            print(f"round {number + 1} {name:9}: {seconds:6.2f} s, {options.messages / seconds:6.0f} messages/s, "
                  f"server {cpu * 1e6 / options.messages:5.1f} us of CPU a message, "
                  f"others took {others / seconds:4.2f} of {os.cpu_count()} processors", flush=True)
    ratio = statistics.median(took["smtp-sink"]) / statistics.median(took["ours"])
    cpu_ratio = statistics.median(used["smtp-sink"]) / statistics.median(used["ours"])
    print(f"median: ours is {ratio:.2f} times as fast as smtp-sink, with its CPU divided by {cpu_ratio:.2f}")
    return 0 if ratio >= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
