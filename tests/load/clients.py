"""Clients by the thousand, in few processes: those that only sit there, those that send mail, and those that hardly send at all."""
import contextlib
import multiprocessing
import resource
import select
import socket
import time

MESSAGE = b"Subject: load\r\n\r\n" + (b"x" * 70 + b"\r\n") * 30 + b".\r\n"


def allow_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


class HungUp(Exception):
    pass


class Connection:
    """One client. `received` gathers what has come; replies() takes whole replies from it."""

    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = time.monotonic()
        self.received = b""
        with contextlib.suppress(BlockingIOError):
            self.socket.connect(("127.0.0.1", port))

    def fileno(self):
        return self.socket.fileno()

    def read(self):
        try:
            more = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            raise HungUp(str(error)) from error
        if not more:
            raise HungUp(self.received[-200:])
        self.received += more

    def replies(self):
        """The codes of the replies that are complete."""
        whole, newline, rest = self.received.rpartition(b"\n")
        self.received = rest if newline else self.received
        return [int(line[:3]) for line in whole.split(b"\n") if line[3:4] != b"-"] if newline else []

    def send(self, data):
        """Small pieces, for which there is room."""
        try:
            self.socket.send(data)
        except BlockingIOError:
            pass
        except OSError as error:
            raise HungUp(str(error)) from error

    def close(self):
        self.socket.close()


def advance(port, count, dialogue, limit=60, at_once=200):
    """`count` connections, each taken through `dialogue`: pairs of what to send and the code of the reply (the first of which is the
    greeting, for which nothing is sent). Returns the connections and the time that each greeting took."""
    poller, open_now, done, greetings = select.epoll(), {}, [], []
    started, deadline = 0, time.monotonic() + limit
    while len(done) < count:
        assert time.monotonic() < deadline, f"{len(done)} of {count} clients came through within {limit} s"
        while started < count and len(open_now) < at_once:
            client = Connection(port)
            client.step = 0
            open_now[client.fileno()] = client
            poller.register(client, select.EPOLLIN)
            started += 1
        for fd, _ in poller.poll(1):
            client = open_now[fd]
            client.read()
            for code in client.replies():
                wanted = dialogue[client.step][1]
                assert code == wanted, f"{code} instead of {wanted} after {dialogue[client.step][0]!r}"
                if client.step == 0:
                    greetings.append(time.monotonic() - client.began)
                client.step += 1
                if client.step < len(dialogue):
                    client.send(dialogue[client.step][0])
                else:
                    poller.unregister(fd)
                    del open_now[fd]
                    done.append(client)
    return done, greetings


class Traffic:
    """Mail by `sessions` clients at a time, each message over a connection of its own, by a process of its own, until stop()."""

    STEPS = ((b"", (220,)), (b"EHLO busy.test\r\n", (250,)),
             (b"MAIL FROM:<a@busy.test>\r\nRCPT TO:<b@remote.test>\r\nDATA\r\n", (250, 250, 354)), (MESSAGE, (250,)), (b"QUIT\r\n", (221,)))

    def __init__(self, port, sessions):
        self.messages = multiprocessing.Value("l", 0)
        self.late = multiprocessing.Value("d", 0)
        self.ending = multiprocessing.Event()
        self.results = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=self.run, args=(port, sessions), daemon=True)
        self.process.start()

    def run(self, port, sessions):
        poller, clients, greetings = select.epoll(), {}, []

        def begin():
            client = Connection(port)
            client.step, client.left = 0, list(self.STEPS[0][1])
            clients[client.fileno()] = client
            poller.register(client, select.EPOLLIN)

        problem = ""
        try:
            for _ in range(sessions):
                begin()
            while not self.ending.is_set():
                for fd, _ in poller.poll(0.2):
                    client = clients[fd]
                    client.read()
                    for code in client.replies():
                        wanted = client.left.pop(0)
                        assert code == wanted, f"{code} instead of {wanted} at step {client.step}"
                        if client.step == 0:
                            greetings.append(time.monotonic() - client.began)
                        if client.step == 3:
                            self.messages.value += 1
                        if client.left:
                            continue
                        client.step += 1
                        if client.step < len(self.STEPS):
                            data, codes = self.STEPS[client.step]
                            client.left = list(codes)
                            client.send(data)
                        else:
                            poller.unregister(fd)
                            del clients[fd]
                            client.close()
                            begin()
        except (AssertionError, HungUp) as error:
            problem = f"{type(error).__name__}: {error}"
        self.results.put((greetings, problem))

    def rate(self, seconds):
        """Messages a second from now on, for so long."""
        before, began = self.messages.value, time.monotonic()
        time.sleep(seconds)
        return (self.messages.value - before) / (time.monotonic() - began)

    def stop(self):
        """The greetings' times."""
        self.ending.set()
        greetings, problem = self.results.get(timeout=30)
        self.process.join(30)
        assert not problem, problem
        return greetings


class Slow:
    """Clients that send one byte of what they have every few seconds, by a process of their own."""

    def __init__(self, port, kinds, pause):
        """`kinds`: {name: (count, dialogue, endless text)}"""
        self.ready, self.ending = multiprocessing.Event(), multiprocessing.Event()
        self.results = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=self.run, args=(port, kinds, pause), daemon=True)
        self.process.start()

    def run(self, port, kinds, pause):
        allow_descriptors(20000)
        problem, lost = "", 0
        clients = []
        try:
            for count, dialogue, text in kinds.values():
                made, _ = advance(port, count, dialogue)
                for client in made:
                    client.text = text
                clients += made
        except (AssertionError, HungUp) as error:
            problem = f"{type(error).__name__}: {error}"
        self.ready.set()
        place = 0
        while not self.ending.is_set():
            began = time.monotonic()
            for client in clients[:]:
                try:
                    client.send(client.text[place % len(client.text)].to_bytes(1, "big"))
                except HungUp:
                    clients.remove(client)
                    lost += 1
            place += 1
            self.ending.wait(max(0.0, pause - (time.monotonic() - began)))
        self.results.put((lost, problem))

    def stop(self):
        """How many the server has hung up on."""
        self.ending.set()
        lost, problem = self.results.get(timeout=30)
        self.process.join(30)
        assert not problem, problem
        return lost
