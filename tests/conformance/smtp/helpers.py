"""Servers and data beside the mail system, which a group asks for by `with NAME`: each is made inside the group's namespaces.

  with sasldb    | USER PASSWORD      a sasldb in etc/sasl, used by Cyrus (~ in a password is a blank)
  with dovecot   | USER PASSWORD      Dovecot's authentication, at @QUEUE@/private/auth
  with dns       | ZONES as JSON      a DNS server (tests/lib/dns_server.py), the only one that there is
"""
import grp
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))
import mta  # noqa: E402


class Data:
    def stop(self):
        pass


def sasldb(world, _, users):
    folder = world.mail.etc / "sasl"
    folder.mkdir()
    database = folder / "sasldb2"
    for line in users:
        user, password = line.split()
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", str(database), "-u", "example.test", user], input=password.replace("~", " ").encode(), check=True, timeout=30)
    os.chown(database, world.mail.owner.uid, -1)
    (folder / "smtpd.conf").write_text(f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: PLAIN LOGIN CRAM-MD5 ANONYMOUS\n", encoding="ascii")
    return Data()


class Dovecot:
    def __init__(self, world, users):
        self.folder = world.folder / "dovecot"
        self.folder.mkdir()
        self.folder.chmod(0o755)
        (self.folder / "users").write_text("".join("{0}:{{PLAIN}}{1}::::::\n".format(*line.replace("~", " ").split(" ", 1)) for line in users), encoding="ascii")
        user = world.mail.owner.name
        (self.folder / "dovecot.conf").write_text(f"""
base_dir = {self.folder}/run
log_path = {self.folder}/log
protocols =
ssl = no
auth_mechanisms = plain login cram-md5
disable_plaintext_auth = no
auth_failure_delay = 0
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {self.folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home=/
}}
service auth {{
  chroot =
  client_limit = 1000
  unix_listener {world.mail.queue}/private/auth {{
    mode = 0666
  }}
  user = root
}}
service auth-worker {{
  user = root
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  client_limit = 1000
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
""", encoding="ascii")
        self.child = subprocess.Popen(["dovecot", "-F", "-c", str(self.folder / "dovecot.conf")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            mta.wait((world.mail.queue / "private/auth").exists, 20, "Dovecot's socket")
        except mta.Late:
            print((self.folder / "log").read_text() if (self.folder / "log").exists() else "no log of Dovecot", file=sys.stderr)
            raise

    def stop(self):
        mta.end_peer(self.child)


class Names:
    def __init__(self, world, zones):
        text = "\n".join(zones)
        json.loads(text)
        path = world.folder / "zones.json"
        path.write_text(text, encoding="utf-8")
        program = pathlib.Path(__file__).resolve().parents[2] / "lib/dns_server.py"
        self.child = subprocess.Popen([sys.executable, str(program), "--port", "53", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not self.child.stdout.readline().startswith(b"ready"):
            raise RuntimeError("the DNS server did not start")

    def stop(self):
        self.child.stdin.close()
        self.child.wait(20)


def dns(world, _, zones):
    return Names(world, zones)


def dovecot(world, _, users):
    if not shutil.which("dovecot"):
        raise RuntimeError("there is no dovecot here")
    return Dovecot(world, users)


STARTERS = {"dns": dns, "sasldb": sasldb, "dovecot": dovecot}


def start(world, wanted):
    return [STARTERS[name](world, options.split(), content) for name, (options, content) in wanted.items()]
