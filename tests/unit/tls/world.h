#pragma once
// A server and a client of OpenSSL's own that shake hands over a socket pair: the server in a fiber as in a daemon, the
// client in another.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"
#include "lib/certificates.h"
#include "lib/fibers.h"
#include "logging/log.h"
#include "tls/openssl.h"
#include "tls/server.h"

namespace tls_test {

using namespace std::chrono_literals;
using tests::Certificates;

inline io::Deadline later() {
  return io::Deadline::after(20s);
}

// main.cf of name = value lines. "$C" stands for the certificates' folder.
inline config::Config configuration(std::map<std::string, std::string> settings) {
  settings.emplace("smtpd_tls_security_level", "may");
  if (!settings.contains("smtpd_tls_chain_files") && !settings.contains("smtpd_tls_cert_file")) {
    settings.emplace("smtpd_tls_chain_files", "$C/ec-chain.pem");
  }
  settings.emplace("smtpd_tls_loglevel", "1");
  std::string text;
  for (auto& [name, value] : settings) {
    for (std::size_t at = value.find("$C/"); at != std::string::npos; at = value.find("$C/", at)) {
      value.replace(at, 3, Certificates::get().path(""));
    }
    text += name + " = " + value + "\n";
  }
  auto config = config::Config::from_text(text, {.process_name = "smtpd", .service_name = "smtp"});
  if (!config) throw std::runtime_error(config.error().text);
  return std::move(*config);
}

// What a client wants, and what it saw.
struct Client {
  std::function<void(SSL_CTX*)> prepare = {};
  std::function<void(SSL*)> prepare_session = {};
  std::string says = {};  // after the handshake; the answer is `heard`
  bool says_goodbye = true;

  bool shaken = false;
  std::string heard = {};
  std::string server_cn = {};
  bool resumed = false;
  std::shared_ptr<SSL_SESSION> session = {};

  void run(base::Fd fd);
};

struct Outcome {
  std::expected<tls::Facts, base::Error> accepted = std::unexpected(base::Error{"never tried"});
  std::string heard;  // by the server: the first line
};

// One connection: the server answers the client's line with "250 <line>".
Outcome meet(tls::Server& server, Client& client);

// As a fiber of a loop of its own.
using fibers::in_a_fiber;

}  // namespace tls_test
