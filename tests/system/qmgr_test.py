#!/usr/bin/env python3
"""The queue manager alone, between delivery agents and a bounce(8) that are played: what it hands out, when, and what becomes of the
queue files."""
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import cases  # noqa: E402
import mta  # noqa: E402
import played  # noqa: E402

wait = mta.wait
# All mail goes to the transport "agent" unless its domain says otherwise.
ROUTES = "inline:{ other.test=other:other.test, local.test=one:local.test, gone.test=gone:gone.test, shut.test=shut:shut.test }"


class Queue:
    """A queue directory with a queue manager, started as master starts it."""

    def __init__(self, options, parameters=None, services=()):
        self.system = mta.Postrider(options.build, {
            "default_transport": "agent", "transport_maps": ROUTES, "relayhost": "", "retry_jitter": "0", "virtual_mailbox_domains": "",
            **(parameters or {})}, services={}, master_cf=[*services] or ["agent unix - - n - - smtp"])
        self.queue = self.system.queue
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.queue / "public/qmgr"))
        os.chmod(self.queue / "public/qmgr", 0o666)
        self.listener.listen(100)
        self.process = None
        self.servers = []
        self.agent = self.play(played.Agent, "agent")
        self.bounce, self.defer, self.trace = (self.play(played.Bounce, name) for name in ("bounce", "defer", "trace"))

    def play(self, kind, name, *more):
        server = kind(self.queue, name, *more)
        self.servers.append(server)
        return server

    def start(self):
        number = self.listener.fileno()
        program = self.system.libexec / "qmgr"
        self.process = subprocess.Popen(["bash", "-c", f'exec "$0" "$@" 6<&{number} {number}<&-', program, "-l", "-t", "unix", "-u"],
                                        env=self.system.command_environment(), cwd="/", pass_fds=(number,),
                                        **self.system.account.passing)
        return self

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(self.system.log_tail())
        self.kill()
        for server in self.servers:
            server.close()
        self.listener.close()
        self.system.remove()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def put(self, folder, *recipients, mode=0o700, mtime=None, **more):
        return self.put_bytes(folder, played.message(recipients, **more), mode, mtime)

    def put_bytes(self, folder, data, mode=0o700, mtime=None):
        owner = self.system.owner if mta.is_root() else None
        return played.put(self.queue, folder, data, owner, mode, mtime)

    def say(self, data):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.queue / "public/qmgr"))
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(10)
            client.recv(1)

    def announce(self, *ids):
        self.say(played.frame(played.KIND_ARRIVED, struct.pack("<I", len(ids)) + b"".join(map(played.text, ids))))

    def new(self, *recipients, **more):
        """A new message, announced as cleanup does."""
        name = self.put("incoming", *recipients, **more)
        self.announce(name)
        return name

    def where(self, name):
        return self.system.queued().get(name)

    def wait_in(self, name, folder):
        wait(lambda: self.where(name) == folder, what=f"{name} in {folder}, not in {self.where(name)}")

    def wait_log(self, pattern):
        return self.system.wait_log(pattern)

    def log(self):
        return self.system.log()

    def wait_empty(self):
        self.system.wait_empty()

    def status_log(self, folder, name):
        return (self.queue / folder / (name[0] if folder == "defer" else "") / name).read_text()


def deferred_by_agent(request):
    return played.report(deferred=True)


def test_new_mail_is_handed_to_its_agent_and_removed(options):
    with Queue(options).start() as queue:
        name = queue.new("ann@x.test", "bob@x.test", "eve@y.test")
        queue.wait_empty()
        assert sorted(queue.agent.recipients()) == ["ann@x.test", "bob@x.test", "eve@y.test"]
        first = next(request for request in queue.agent.requests if request["nexthop"] == "x.test")
        assert (first["queue_id"], first["sender"]) == (name, "s@sender.test"), first
        assert first["recipients"][0]["dsn_original"] == "rfc822;ann@x.test" and first["times"][0] > 0 and first["times"][2] > 0
        assert len(queue.agent.requests) == 2, "recipients of one destination go together"
        queue.wait_log(rf"qmgr\[\d+\]: {name}: from=<s@sender.test>, size=15, nrcpt=3 \(queue active\)$")
        queue.wait_log(rf"{name}: removed$")


def test_mail_that_nobody_announced_is_found_by_a_scan(options):
    with Queue(options) as queue:
        queue.put("incoming", "ann@x.test")
        queue.start()
        queue.wait_empty()
        queue.put("incoming", "bob@x.test")
        queue.say(b"I\0")
        wait(lambda: queue.agent.recipients() == ["ann@x.test", "bob@x.test"])


def test_a_connection_is_used_again(options):
    with Queue(options).start() as queue:
        for number in range(5):
            queue.new(f"u{number}@x.test")
            queue.wait_empty()
        assert queue.agent.connections == 1, queue.agent.connections


def test_only_mail_announced_in_this_life_is_fresh(options):
    with Queue(options).start() as queue:
        wait(lambda: int(time.time()) > os.stat(f"/proc/{queue.process.pid}").st_ctime + 1)
        queue.new("ann@x.test")
        queue.wait_empty()
        queue.put("incoming", "bob@x.test")
        queue.say(b"I\0")
        queue.wait_empty()
        assert [request["fresh"] for request in queue.agent.requests] == [True, False]


class Gate:
    """An agent whose deliveries all wait until the gate opens."""

    def __init__(self, agent):
        self.agent, self.open = agent, threading.Event()
        agent.deliver = self.deliver

    def deliver(self, request):
        if self.open.wait(20):
            time.sleep(0.02)
        return self.agent.sent(request)


def test_a_destination_gets_so_many_deliveries_at_once_as_the_limits_say(options):
    with Queue(options, {"initial_destination_concurrency": 3, "agent_destination_concurrency_limit": 6,
                         "agent_destination_recipient_limit": 2}) as queue:
        gate = Gate(queue.agent)
        queue.start()
        queue.new(*(f"u{number}@x.test" for number in range(100)))
        wait(lambda: queue.agent.running == 3)
        time.sleep(0.2)
        assert queue.agent.running == 3, "not one more, however long it takes"
        gate.open.set()
        queue.wait_empty()
        assert queue.agent.most == 6, queue.agent.most
        assert len(queue.agent.requests) == 50 and len(set(queue.agent.recipients())) == 100


def test_a_mailbox_is_a_destination_where_a_delivery_has_one_recipient(options):
    with Queue(options, {"one_destination_recipient_limit": 1, "one_initial_destination_concurrency": 1,
                         "one_destination_concurrency_limit": 1, "recipient_delimiter": "+"}) as queue:
        agent = queue.play(played.Agent, "one")
        gate = Gate(agent)
        queue.start()
        for _ in range(3):
            queue.new("ann@local.test", "ann+x@local.test", "bob@local.test")
        wait(lambda: agent.running == 2)
        time.sleep(0.2)
        assert agent.running == 2
        gate.open.set()
        queue.wait_empty()
        assert len(agent.requests) == 9 and agent.most == 2


def test_a_transport_gets_no_more_than_its_processes_can_take(options):
    with Queue(options, {"agent_client_limit": 2}, services=["agent unix - - n - 2 smtp"]) as queue:
        gate = Gate(queue.agent)
        queue.start()
        queue.new(*(f"u@x{number}.test" for number in range(20)))
        wait(lambda: queue.agent.running == 4)
        time.sleep(0.2)
        assert queue.agent.running == 4
        gate.open.set()
        queue.wait_empty()
        assert queue.agent.most == 4


def test_a_destination_that_fails_is_let_rest_and_others_are_not(options):
    with Queue(options, {"initial_destination_concurrency": 1}) as queue:
        queue.agent.deliver = lambda request: (
            played.report(deferred=True, failure=("4.4.1", "connect to x.test: Connection refused"))
            if request["nexthop"] == "x.test" else queue.agent.sent(request))
        queue.start()
        first = queue.new("ann@x.test")
        queue.wait_in(first, "deferred")
        second = queue.new("bob@x.test", "eve@y.test")
        queue.wait_in(second, "deferred")
        assert [request["nexthop"] for request in queue.agent.requests] == ["x.test", "y.test"]
        queue.wait_log(rf"{second}: to=<bob@x.test>, relay=none, delay=\S+, delays=\S+, dsn=4.4.1, status=deferred "
                       r"\(delivery temporarily suspended: connect to x.test: Connection refused\)$")
        assert "reason=delivery temporarily suspended: connect to x.test: Connection refused" in queue.status_log("defer", second)


def test_a_flush_gives_dead_destinations_another_chance(options):
    with Queue(options, {"initial_destination_concurrency": 1}) as queue:
        queue.agent.deliver = lambda request: played.report(deferred=True, failure=("4.4.1", "refused"))
        queue.start()
        names = [queue.new(f"u{number}@x.test") for number in range(3)]
        for name in names:
            queue.wait_in(name, "deferred")
        queue.agent.deliver = queue.agent.sent
        asked = len(queue.agent.requests)
        queue.say(b"D\0")
        time.sleep(0.3)
        assert len(queue.agent.requests) == asked, "their time has not come"
        queue.say(b"FADI\0")
        queue.wait_empty()
        assert len(queue.agent.requests) == asked + 3


def test_defer_transports_wait_for_a_flush(options):
    with Queue(options, {"defer_transports": "agent"}).start() as queue:
        name = queue.new("ann@x.test")
        queue.wait_in(name, "deferred")
        queue.wait_log(rf"{name}: to=<ann@x.test>, relay=none, .* dsn=4.3.2, status=deferred \(deferred transport\)$")
        assert not queue.agent.requests
        queue.say(b"FADI\0")
        queue.wait_empty()
        assert queue.agent.recipients() == ["ann@x.test"]


def test_deferred_mail_has_its_next_time_and_is_tried_then(options):
    with Queue(options, {"minimal_backoff_time": "3s", "queue_run_delay": "1s"}) as queue:
        queue.agent.deliver = deferred_by_agent
        queue.start()
        name = queue.new("ann@x.test")
        queue.wait_in(name, "deferred")
        left = os.stat(queue.queue / "deferred" / name[0] / name).st_mtime - time.time()
        assert 1 < left <= 3, left
        queue.agent.deliver = queue.agent.sent
        queue.wait_empty()
        assert queue.agent.times[1] - queue.agent.times[0] > 1


def test_a_rate_delay_keeps_deliveries_apart(options):
    with Queue(options, {"agent_destination_rate_delay": "1s", "agent_destination_recipient_limit": "2"}).start() as queue:
        queue.new(*(f"u{number}@x.test" for number in range(6)), "other@y.test")
        queue.wait_empty()
        times = [when for when, request in zip(queue.agent.times, queue.agent.requests) if request["nexthop"] == "x.test"]
        assert len(times) == 3
        assert all(after - before > 0.95 for before, after in zip(times, times[1:])), times


def test_a_transport_that_nobody_serves_defers_its_mail(options):
    with Queue(options).start() as queue:
        name = queue.new("ann@gone.test", "bob@x.test")
        queue.wait_in(name, "deferred")
        queue.wait_log(r"warning: connect to transport private/gone: No such file or directory$")
        queue.wait_log(rf"{name}: to=<ann@gone.test>, relay=none, .* dsn=4.3.0, status=deferred \(mail transport unavailable\)$")
        assert queue.agent.recipients() == ["bob@x.test"]
        again = queue.new("eve@gone.test")
        queue.wait_in(again, "deferred")
        assert queue.log().count("connect to transport private/gone") == 1, "it is not tried again at once"


def test_an_agent_that_dies_costs_its_delivery_only(options):
    with Queue(options) as queue:
        shut = queue.play(played.Agent, "shut", lambda request: None)
        queue.start()
        name = queue.new("ann@shut.test", "bob@x.test")
        queue.wait_in(name, "deferred")
        queue.wait_log(rf"{name}: to=<ann@shut.test>, .* dsn=4.3.0, status=deferred \(unknown mail transport error\)$")
        assert queue.agent.recipients() == ["bob@x.test"]
        queue.new("eve@shut.test")
        wait(lambda: len(shut.requests) == 2)


def test_an_agent_that_dies_after_marking_a_recipient_did_deliver_it(options):
    with Queue(options) as queue:
        def half(request):
            shut.mark({**request, "recipients": request["recipients"][:1]})

        shut = queue.play(played.Agent, "shut", half)
        queue.start()
        name = queue.new("ann@shut.test", "bob@shut.test")
        queue.wait_in(name, "deferred")
        queue.wait_log(rf"{name}: to=<bob@shut.test>, .*unknown mail transport error")
        assert f"{name}: to=<ann@shut.test>" not in queue.log()


def test_mail_that_is_too_old_is_returned_after_one_more_attempt(options):
    with Queue(options, {"maximal_queue_lifetime": "1d", "bounce_queue_lifetime": "1d"}) as queue:
        def defer(request):
            log = queue.queue / "defer" / request["queue_id"][0] / request["queue_id"]
            log.parent.mkdir(exist_ok=True)
            log.parent.chmod(0o777)
            entry = request["recipients"][0]
            log.write_text(f"\nrecipient=ann@x.test\noffset={entry['offset']}\nstatus=4.2.2\naction=delayed\nreason=mailbox full\n\n")
            return played.report(deferred=True)

        queue.agent.deliver = defer
        queue.start()
        name = queue.new("ann@x.test", age=2 * 86400)
        queue.wait_empty()
        assert [notice["notice"] for notice in queue.bounce.notices] == ["failure"]
        assert "status=4.2.2\naction=failed\nreason=mailbox full" in queue.bounce.logs[0], queue.bounce.logs
        queue.wait_log(rf"{name}: from=<s@sender.test>, status=expired, returned to sender$")
        queue.wait_log(rf"{name}: removed$")
        assert not queue.system.files("defer"), "nothing is left of it"


def test_a_notice_that_cannot_be_sent_keeps_the_mail(options):
    with Queue(options, {"maximal_queue_lifetime": "1d", "bounce_queue_lifetime": "1d"}) as queue:
        queue.agent.deliver = deferred_by_agent
        queue.bounce.done = False
        queue.start()
        name = queue.new("ann@x.test", age=2 * 86400)
        queue.wait_in(name, "deferred")
        queue.wait_log(rf"warning: {name}: no notice was sent: not today$")
        queue.bounce.done = True
        queue.say(b"FADI\0")
        queue.wait_empty()
        assert len(queue.agent.requests) == 1, "its fate is sealed already"
        assert queue.bounce.logs[-1].count("recipient=ann@x.test") == 1


def test_forced_expiry_returns_mail_without_another_attempt(options):
    with Queue(options) as queue:
        queue.start()
        name = queue.put("deferred", "ann@x.test", mode=0o710, mtime=time.time() + 1000)
        queue.say(b"FADI\0")
        queue.wait_empty()
        assert not queue.agent.requests
        assert "reason=message is administratively expired" in queue.bounce.logs[0]
        queue.wait_log(rf"{name}: to=<ann@x.test>, relay=none, .* dsn=4.7.0, status=deferred \(message is administratively expired\)$")
        queue.wait_log(rf"{name}: from=<s@sender.test>, status=force-expired, returned to sender$")


def test_the_sender_is_warned_of_delay_once(options):
    with Queue(options) as queue:
        queue.agent.deliver = deferred_by_agent
        queue.start()
        name = queue.new("ann@x.test", warning=-10)
        queue.wait_in(name, "deferred")
        assert [notice["notice"] for notice in queue.defer.notices] == ["delay"]
        data = (queue.queue / "deferred" / name[0] / name).read_bytes()
        assert played.record("W", f"{-1:15d}") in data
        queue.say(b"FADI\0")
        wait(lambda: len(queue.agent.requests) == 2)
        queue.wait_in(name, "deferred")
        assert len(queue.defer.notices) == 1


def test_the_sender_hears_when_a_delay_is_over_if_wanted(options):
    with Queue(options, {"confirm_delay_cleared": "yes"}).start() as queue:
        queue.new("ann@x.test", more=[played.record("W", f"{-1:15d}")])
        queue.wait_empty()
        assert queue.agent.requests[0]["trace_flags"] == 8192


def test_a_trace_is_reported_once(options):
    with Queue(options) as queue:
        def traced(request):
            (queue.queue / "trace" / request["queue_id"]).write_text("\nrecipient=ann@x.test\n\n")
            return played.report(deferred=True)

        queue.agent.deliver = traced
        queue.start()
        name = queue.new("ann@x.test", more=[played.record("A", "trace_flags=1024")])
        queue.wait_in(name, "deferred")
        assert [notice["notice"] for notice in queue.trace.notices] == ["trace"]
        assert queue.agent.requests[0]["trace_flags"] == 1024
        queue.agent.deliver = queue.agent.sent
        queue.say(b"FADI\0")
        queue.wait_empty()
        assert queue.agent.requests[1]["trace_flags"] == 0, "the flag was taken out of the file"


def test_a_mailing_list_has_a_sender_for_each_recipient(options):
    with Queue(options) as queue:
        def bounced(request):
            (queue.queue / "bounce" / request["queue_id"]).write_text("\nrecipient=ann@x.test\n\n")
            return queue.agent.sent(request)

        queue.agent.deliver = bounced
        queue.start()
        queue.new("ann@x.test", "bob@x.test", more=[played.record("V", "+=")], sender="list@l.test")
        queue.wait_empty()
        assert sorted(request["sender"] for request in queue.agent.requests) == ["list+ann=x.test@l.test", "list+bob=x.test@l.test"]
        notice = queue.bounce.notices[0]
        assert (notice["notice"], notice["sender"], notice["verp_delimiters"]) == ("verp", "list@l.test", "+=")


def test_mail_in_active_is_taken_up_again_after_a_restart(options):
    with Queue(options) as queue:
        gate = Gate(queue.agent)
        queue.start()
        names = [queue.new(f"u@x{number}.test") for number in range(20)]
        for name in names:
            queue.wait_in(name, "active")
        queue.kill()
        gate.open.set()
        wait(lambda: queue.agent.running == 0)
        queue.start()
        queue.wait_empty()
        assert set(queue.agent.recipients()) == {f"u@x{number}.test" for number in range(20)}


def test_a_message_that_an_agent_still_has_waits_a_minute(options):
    import fcntl
    with Queue(options) as queue:
        name = queue.put("active", "ann@x.test")
        other = queue.put("active", "bob@x.test")
        with open(queue.queue / "active" / name, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_SH)
            queue.start()
            queue.wait_log(rf"{name}: skipped, still being delivered$")
            wait(lambda: queue.where(other) is None)
        assert queue.where(name) == "incoming" and queue.agent.recipients() == ["bob@x.test"]


def test_files_without_sense_are_put_aside_and_hold_nobody_up(options):
    with Queue(options) as queue:
        good = played.message(["ann@x.test"])
        bad = [queue.put_bytes("incoming", good[:size]) for size in range(0, len(good) - 2, 7)]
        for position in range(0, len(good), 11):
            damaged = bytearray(good)
            damaged[position] ^= 0x40
            queue.put_bytes("incoming", bytes(damaged))
        began = time.monotonic()
        queue.start()
        name = queue.new("eve@x.test")
        wait(lambda: "eve@x.test" in queue.agent.recipients())
        assert time.monotonic() - began < 15
        wait(lambda: not queue.system.queued("incoming", "active"))
        corrupt = queue.system.queued("corrupt")
        assert all(name in corrupt for name in bad), [name for name in bad if name not in corrupt]
        assert queue.process.poll() is None and queue.where(name) is None


def test_a_corrupt_file_found_by_an_agent_is_put_aside(options):
    with Queue(options) as queue:
        queue.agent.deliver = lambda request: played.report(deferred=True, corrupt=True)
        queue.start()
        name = queue.new("ann@x.test")
        queue.wait_in(name, "corrupt")


def test_nothing_is_lost_however_often_it_is_killed(options):
    with Queue(options, {"agent_initial_destination_concurrency": "2"}) as queue:
        def slow(request):
            time.sleep(0.01)
            return queue.agent.sent(request)

        queue.agent.deliver = slow
        expected = set()
        for number in range(60):
            recipients = [f"u{number}.{part}@x{part}.test" for part in range(4)]
            expected.update(recipients)
            queue.put("incoming", *recipients)
        for _ in range(12):
            queue.start()
            time.sleep(0.06)
            queue.process.send_signal(signal.SIGKILL)
            queue.process.wait()
        wait(lambda: queue.agent.running == 0)
        queue.start()
        # What an agent had in its hands at a kill may have been postponed.
        for path in queue.system.files("incoming"):
            os.utime(queue.queue / path)
        queue.say(b"FADI\0")
        queue.wait_empty()
        assert set(queue.agent.recipients()) == expected


def test_a_large_message_is_read_in_portions(options):
    with Queue(options, {"qmgr_message_active_limit": 10, "qmgr_message_recipient_limit": 50, "default_recipient_limit": 50,
                         "qmgr_message_recipient_minimum": 5}).start() as queue:
        queue.new(*(f"u{number}@x{number % 7}.test" for number in range(2000)))
        queue.wait_empty()
        assert len(queue.agent.recipients()) == len(set(queue.agent.recipients())) == 2000


def test_new_mail_does_not_wait_for_a_full_deferred_queue(options):
    with Queue(options, {"defer_transports": "other"}) as queue:
        for number in range(3000):
            queue.put("deferred", f"u{number}@other.test")
        queue.start()
        queue.say(b"D\0")
        began = time.monotonic()
        queue.new("ann@x.test")
        wait(lambda: queue.agent.requests)
        assert time.monotonic() - began < 5


def test_garbage_on_its_socket_does_no_harm(options):
    with Queue(options).start() as queue:
        for data in (b"\0", b"xyz\0", b"\1", b"\1\1\xff\xff\xff\xff\xff\xff", b"\1\1\n\0\4\0\0\0\xff\xff\xff\xff", b"W" * 5000,
                     played.frame(played.KIND_ARRIVED, struct.pack("<I", 1) + played.text("../../etc/passwd"))):
            try:
                queue.say(data)
            except OSError:
                pass
        queue.new("ann@x.test")
        queue.wait_empty()
        assert queue.agent.recipients() == ["ann@x.test"]


if __name__ == "__main__":
    cases.main(__name__, cases.arguments())
