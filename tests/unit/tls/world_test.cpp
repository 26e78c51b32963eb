#include "world.h"

#include <csignal>

namespace tls_test {

namespace {

// One step of the library's client, waiting as it asks.
template <typename Step>
int waiting(SSL* session, int fd, Step&& step) {
  while (true) {
    ERR_clear_error();
    const int result = step();
    if (result > 0) return result;
    switch (SSL_get_error(session, result)) {
      case SSL_ERROR_WANT_READ:
        if (io::wait_readable(fd, later()) == io::Wakeup::timed_out) return -1;
        break;
      case SSL_ERROR_WANT_WRITE:
        if (io::wait_writable(fd, later()) == io::Wakeup::timed_out) return -1;
        break;
      default:
        return result;
    }
  }
}

int remember_session(SSL* session, SSL_SESSION* made) {
  auto* client = static_cast<Client*>(SSL_get_app_data(session));
  client->session = std::shared_ptr<SSL_SESSION>(made, SSL_SESSION_free);
  return 1;
}

}  // namespace

void Client::run(base::Fd fd) {
  std::signal(SIGPIPE, SIG_IGN);  // the library writes to a server that may have gone
  tls::ContextPointer context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), remember_session);
  if (prepare) prepare(context.get());
  tls::SslPointer session_pointer(SSL_new(context.get()));
  SSL* ssl = session_pointer.get();
  SSL_set_app_data(ssl, this);
  if (session) SSL_set_session(ssl, session.get());
  if (prepare_session) prepare_session(ssl);
  SSL_set_fd(ssl, fd.get());
  shaken = waiting(ssl, fd.get(), [&] { return SSL_connect(ssl); }) == 1;
  if (shaken) {
    resumed = SSL_session_reused(ssl) == 1;
    char name[256] = "";
    if (const X509* peer = SSL_get0_peer_certificate(ssl)) {
      X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name, sizeof name);
    }
    server_cn = name;
    if (!says.empty()) {
      const std::string line = says + "\r\n";
      waiting(ssl, fd.get(), [&] { return SSL_write(ssl, line.data(), static_cast<int>(line.size())); });
    }
    char buffer[1000];
    int size = 0;
    do {
      size = waiting(ssl, fd.get(), [&] { return SSL_read(ssl, buffer, sizeof buffer); });
      if (size > 0) heard.append(buffer, static_cast<std::size_t>(size));
    } while (size > 0 && !heard.ends_with("\r\n"));
    // TLS 1.2 does not tell of a ticket that comes with a resumed session.
    if (SSL_version(ssl) == TLS1_2_VERSION) {
      session = std::shared_ptr<SSL_SESSION>(SSL_get1_session(ssl), SSL_SESSION_free);
    }
    if (says_goodbye) SSL_shutdown(ssl);
  }
  ERR_clear_error();
  io::forget(fd.get());
}

Outcome meet(tls::Server& server, Client& client) {
  Outcome outcome;
  in_a_fiber([&] {
    io::Pair pair = io::socket_pair();
    io::FiberHandle other = io::spawn("client", [&] { client.run(std::move(pair.second)); });
    {
      io::Stream stream(std::move(pair.first));
      outcome.accepted = server.accept(stream, {"localhost[127.0.0.1]"}, later());
      if (outcome.accepted) {
        try {
          outcome.heard = stream.read_line(1000).text;
          stream.write("250 ");
          stream.write(outcome.heard);
          stream.write("\r\n");
          stream.flush();
          stream.read_line_or_end(1000);
        } catch (const io::StreamError& error) {
          outcome.heard += std::string("!") + error.what();
        }
      }
    }
    other.join(later());
  });
  return outcome;
}

}  // namespace tls_test
