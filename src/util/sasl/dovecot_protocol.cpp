#include "sasl/dovecot_protocol.h"

#include <fmt/format.h>

#include <limits>

#include "base/text.h"
#include "sasl/base64.h"

namespace sasl::dovecot {

namespace {

constexpr int kMajor = 1;
constexpr int kMinor = 0;
constexpr std::size_t kLongestName = 1024;

// Fields may be empty, unlike the items of base::split().
std::string_view next_field(std::string_view& rest) {
  const std::size_t end = rest.find('\t');
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return field;
}

std::optional<unsigned> id_of(std::string_view text) {
  const auto number = base::all_digits(text) ? base::to_unsigned(text) : std::nullopt;
  if (!number || *number > std::numeric_limits<unsigned>::max()) return std::nullopt;
  return static_cast<unsigned>(*number);
}

// Values carry \001 and a digit or letter for what would end them.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\001' || i + 1 == text.size()) {
      plain += text[i];
      continue;
    }
    switch (text[++i]) {
      case '0':
        plain += '\0';
        break;
      case '1':
        plain += '\001';
        break;
      case 't':
        plain += '\t';
        break;
      case 'n':
        plain += '\n';
        break;
      case 'r':
        plain += '\r';
        break;
      default:
        plain += text[i];
        break;
    }
  }
  return plain;
}

void read_traits(Mechanism& mechanism, std::string_view rest) {
  struct Row {
    std::string_view word;
    bool Mechanism::* trait;
  };
  static constexpr Row kRows[] = {
      {"plaintext", &Mechanism::plaintext},     {"active", &Mechanism::active},
      {"dictionary", &Mechanism::dictionary},   {"anonymous", &Mechanism::anonymous},
      {"mutual-auth", &Mechanism::mutual_auth}, {"forward-secrecy", &Mechanism::forward_secrecy},
      {"private", &Mechanism::internal},
  };
  while (!rest.empty()) {
    const std::string_view word = next_field(rest);
    for (const Row& row : kRows) {
      if (base::equals_folded(word, row.word)) mechanism.*row.trait = true;
    }
  }
}

void read_outcome(Line& line, std::string_view rest) {
  while (!rest.empty()) {
    const std::string_view field = next_field(rest);
    if (field.starts_with("user=")) {
      line.user = unescape(field.substr(5, kLongestName));
    } else if (field.starts_with("reason=")) {
      line.reason = unescape(field.substr(7, kLongestName));
    } else if (field == "temp" || field == "code=temp_fail") {
      line.temporary = true;
    }
  }
}

std::string clean(std::string_view field) {
  std::string text(field);
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; });
  return text;
}

}  // namespace

bool allowed(const Mechanism& mechanism, const SecurityOptions& options) {
  if (mechanism.internal) return false;
  if (options.no_plaintext && mechanism.plaintext) return false;
  if (options.no_active && mechanism.active) return false;
  if (options.no_dictionary && mechanism.dictionary) return false;
  if (options.no_anonymous && mechanism.anonymous) return false;
  if (options.forward_secrecy && !mechanism.forward_secrecy) return false;
  return !options.mutual_auth || mechanism.mutual_auth;
}

Line parse_line(std::string_view text) {
  using Kind = Line::Kind;
  Line line;
  std::string_view rest = text;
  const std::string_view command = next_field(rest);
  const auto malformed = [&] {
    line.kind = Kind::malformed;
    return line;
  };
  if (command == "VERSION") {
    const auto major = id_of(next_field(rest));
    const auto minor = id_of(next_field(rest));
    if (!major || !minor || *major > 9999 || *minor > 9999) return malformed();
    line.kind = Kind::version;
    line.major = static_cast<int>(*major);
    line.minor = static_cast<int>(*minor);
  } else if (command == "MECH") {
    const std::string_view name = next_field(rest);
    if (name.empty() || name.size() > 64) return malformed();
    for (const char c : name) {
      if (!base::is_alnum(c) && c != '-' && c != '_') return malformed();
      line.mechanism.name += c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    }
    line.kind = Kind::mechanism;
    read_traits(line.mechanism, rest);
  } else if (command == "SPID") {
    line.kind = Kind::server_id;
  } else if (command == "DONE") {
    line.kind = Kind::done;
  } else if (command == "OK" || command == "FAIL" || command == "CONT") {
    const auto id = id_of(next_field(rest));
    if (!id) return malformed();
    line.id = *id;
    if (command == "CONT") {
      line.kind = Kind::challenge;
      // "=" is how SMTP writes nothing.
      line.data = rest == "=" ? std::string() : decode_base64(next_field(rest));
    } else {
      line.kind = command == "OK" ? Kind::ok : Kind::fail;
      read_outcome(line, rest);
    }
  }
  return line;
}

std::expected<Greeting::State, base::Error> Greeting::take(const Line& line) {
  switch (line.kind) {
    case Line::Kind::version:
      if (line.major != kMajor) {
        return std::unexpected(
            base::Error{fmt::format("SASL: Protocol version mismatch ({} vs. {})", line.major, kMajor)});
      }
      versioned_ = true;
      minor = line.minor;
      break;
    case Line::Kind::mechanism:
      if (mechanisms.size() < kMostMechanisms) mechanisms.push_back(line.mechanism);
      break;
    case Line::Kind::server_id:
      if (mechanisms.empty()) {
        return std::unexpected(
            base::Error{"SASL: Connected to wrong auth socket (auth-master instead of auth-client)"});
      }
      break;
    case Line::Kind::done:
      if (!versioned_) return std::unexpected(base::Error{"SASL: Protocol version error"});
      return State::complete;
    case Line::Kind::malformed:
      return std::unexpected(base::Error{"SASL: Protocol error"});
    case Line::Kind::ok:
    case Line::Kind::fail:
    case Line::Kind::challenge:
    case Line::Kind::other:
      break;
  }
  return State::more;
}

std::string greeting(long pid) {
  return fmt::format("VERSION\t{}\t{}\nCPID\t{}\n", kMajor, kMinor, pid);
}

std::string request_line(const Request& request) {
  std::string line =
      fmt::format("AUTH\t{}\t{}\tservice={}\tnologin\tlip={}\trip={}", request.id, clean(request.mechanism),
                  clean(request.service), clean(request.server_address), clean(request.client_address));
  if (request.secured) line += "\tsecured";
  if (request.initial != nullptr && *request.initial) {
    // As SMTP writes it: "resp=" alone says that there is no response.
    line += "\tresp=" + ((*request.initial)->empty() ? "=" : encode_base64(**request.initial));
  }
  return line + '\n';
}

std::string response_line(unsigned id, std::string_view response) {
  return fmt::format("CONT\t{}\t{}\n", id, encode_base64(response));
}

std::string cancel_line(unsigned id) {
  return fmt::format("CANCEL\t{}\n", id);
}

}  // namespace sasl::dovecot
