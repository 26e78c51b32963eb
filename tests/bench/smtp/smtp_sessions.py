"""Short SMTP sessions, for what smtp-source does not do: EHLO alone, STARTTLS with a full handshake, AUTH PLAIN."""
import base64
import multiprocessing
import socket
import ssl
import time

PLAIN = base64.b64encode(b"\0user@bench.test\0secret").decode()


def expect(connection, code):
    text = b""
    while not text.endswith(b"\n") or text[:-1].rpartition(b"\n")[2][3:4] != b" ":
        more = connection.recv(4096)
        if not more:
            raise ConnectionError(f"the server hung up after {text!r}")
        text += more
    if not text.startswith(code):
        raise RuntimeError(f"{code!r} was expected: {text!r}")


def ask(connection, line, code):
    connection.sendall(line + b"\r\n")
    expect(connection, code)


def session(port, mode, context):
    connection = socket.create_connection(("127.0.0.1", port), 60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    expect(connection, b"220")
    ask(connection, b"EHLO client.test", b"250")
    if mode == "tls":
        ask(connection, b"STARTTLS", b"220")
        connection = context.wrap_socket(connection)
        ask(connection, b"EHLO client.test", b"250")
    elif mode == "auth":
        ask(connection, b"AUTH PLAIN " + PLAIN.encode(), b"235")
    ask(connection, b"QUIT", b"221")
    connection.close()


def worker(port, mode, count):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for _ in range(count):
        session(port, mode, context)


def run(port, mode, count, parallel):
    """`count` sessions by `parallel` processes; returns the sessions a second."""
    pool = [multiprocessing.Process(target=worker, args=(port, mode, count // parallel)) for _ in range(parallel)]
    began = time.monotonic()
    for process in pool:
        process.start()
    for process in pool:
        process.join(300)
    took = time.monotonic() - began
    for process in pool:
        if process.exitcode is None:
            process.kill()
    if any(process.exitcode != 0 for process in pool):
        raise RuntimeError(f"{mode}: a client failed")
    return count / took
