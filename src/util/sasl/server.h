#pragma once
// Who says who they are: the server's side of SASL, by Cyrus or by Dovecot's auth socket. The SMTP side (base64, 334,
// limits) is the session's.

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "io/wait.h"

namespace sasl {

// What a back end may know of the client.
struct Peer {
  std::string client_address, client_port, server_address, server_port, client_name;
  std::string helo;
  bool tls = false;
};

// One attempt, with a handle of its own (never used again for another).
class Attempt {
 public:
  virtual ~Attempt() = default;
  struct Step {
    enum class Kind { challenge, done, failed, unavailable };
    Kind kind;
    std::string text;      // decoded challenge; for failed the reason as clients and logs see it; may be empty
    std::string username;  // done
  };
  // `initial` is the decoded initial response, if the client sent one (which may be empty).
  virtual Step start(std::optional<std::string> initial, io::Deadline deadline) = 0;
  virtual Step go_on(std::string_view response, io::Deadline deadline) = 0;
  virtual std::string username_so_far() const = 0;  // for log lines of failures; may be empty
  // What to say of a response that is no base64, in the back end's words.
  virtual std::string reason_for_bad_base64(std::string_view response, bool initial) const = 0;
};

class Server {
 public:
  virtual ~Server() = default;
  // What EHLO offers to this client now (security options with and without TLS); empty: AUTH is not offered. The error:
  // the back end cannot be reached.
  virtual std::expected<std::vector<std::string>, base::Error> mechanisms(const Peer& peer, io::Deadline deadline) = 0;
  // `mechanism` in upper case. One that there is not fails at start(). The server must outlive the attempt.
  virtual std::unique_ptr<Attempt> begin(const Peer& peer, std::string_view mechanism, std::string_view service) = 0;
};

// smtpd_sasl_type, smtpd_sasl_path, ... Opens what must be opened before chroot. Throws base::Fatal. One for a process:
// Cyrus keeps its state in the library.
std::unique_ptr<Server> make_server(const config::Config& config);
std::vector<std::string_view> server_types();  // postconf -a

}  // namespace sasl
