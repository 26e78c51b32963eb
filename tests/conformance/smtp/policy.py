"""A policy server of the test's own: answers what it is told to, and notes what it is asked."""
import os
import socketserver
import threading


class PolicyServer:
    """`answer`: the text of the action; or `!` and what is to be sent raw (Python escapes), or `!close`, `!silence`."""

    PORT = 10031

    def __init__(self, socket_path, owner):
        self.answer, self.requests = "action=dunno", []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                server.serve(self)

        class Inet(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        class Unix(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
        self.servers = [Inet(("127.0.0.1", self.PORT), Handler), Unix(str(socket_path), Handler)]
        os.chown(socket_path, owner, -1)
        os.chmod(socket_path, 0o666)
        for one in self.servers:
            threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()

    def serve(self, connection):
        while True:
            request = []
            while True:
                line = connection.rfile.readline(65536)
                if not line:
                    return
                if line == b"\n":
                    break
                request.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))
            self.requests.append(request)
            answer = self.answer
            if answer == "!close":
                return
            if answer == "!silence":
                connection.rfile.read(1)
                return
            raw = answer[1:].encode().decode("unicode_escape").encode("latin-1") if answer.startswith("!") else f"{answer}\n\n".encode()
            try:
                connection.wfile.write(raw)
            except OSError:
                return

    def taken(self):
        found, self.requests = self.requests, []
        self.answer = "action=dunno"
        return found
