#pragma once
// Dovecot's auth client protocol, version 1: lines as values, without sockets. What comes from the other side is
// distrusted: a line that says nothing sensible is `malformed` or `other`, never an accident.

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sasl/security_options.h"

namespace sasl::dovecot {

constexpr std::size_t kLongestLine = 32768;
constexpr std::size_t kMostMechanisms = 64;

struct Mechanism {
  std::string name;  // in upper case
  bool plaintext = false, active = false, dictionary = false, anonymous = false;
  bool forward_secrecy = false, mutual_auth = false;
  bool internal = false;  // not for clients
};
bool allowed(const Mechanism& mechanism, const SecurityOptions& options);

struct Line {
  enum class Kind { version, mechanism, server_id, done, ok, fail, challenge, other, malformed };
  Kind kind = Kind::other;
  int major = 0, minor = 0;         // version
  Mechanism mechanism;              // mechanism
  unsigned id = 0;                  // ok, fail, challenge
  std::string user, reason;         // ok, fail; may be empty
  bool temporary = false;           // fail
  std::optional<std::string> data;  // challenge, decoded; nothing when it is no base64
};
Line parse_line(std::string_view line);

// What the server says of itself when we connect.
class Greeting {
 public:
  enum class State { more, complete };
  std::expected<State, base::Error> take(const Line& line);
  std::vector<Mechanism> mechanisms;
  int minor = 0;

 private:
  bool versioned_ = false;
};

std::string greeting(long pid);
struct Request {
  unsigned id = 0;
  std::string_view mechanism, service, server_address, client_address;
  bool secured = false;
  const std::optional<std::string>* initial = nullptr;  // decoded
};
std::string request_line(const Request& request);
std::string response_line(unsigned id, std::string_view response);  // decoded
std::string cancel_line(unsigned id);

}  // namespace sasl::dovecot
