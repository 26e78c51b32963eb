#include "smtpd/haproxy.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"

namespace smtpd::haproxy {

namespace {

constexpr std::string_view kWord = "PROXY ";
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixed = 16;  // of version 2: signature, version and command, family, length

Parsed bad(std::string_view problem) {
  return {.kind = Parsed::Kind::bad, .problem = std::string(problem)};
}
Parsed partial(std::size_t more) {
  return {.kind = Parsed::Kind::partial, .more = more};
}

unsigned byte(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}
unsigned number(std::string_view text, std::size_t at) {
  return byte(text, at) << 8 | byte(text, at + 1);
}

bool is_port(std::string_view text) {
  if (!base::all_digits(text) || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return false;
  return *base::to_unsigned(text) <= 65535;
}

Parsed parse_line(std::string_view text, Families families) {
  if (!text.ends_with('\n')) {
    if (text.size() >= kLongest || text.contains('\0')) return bad("missing protocol header terminator");
    return partial(1);
  }
  if (text.contains('\0') || text.find('\n') + 1 != text.size()) return bad("missing protocol header terminator");
  const auto words = base::split(text.substr(kWord.size()), " \r\n");
  const auto word = [&](std::size_t at) { return at < words.size() ? words[at] : std::string_view(); };
  const bool is_ipv4 = word(0) == "TCP4";
  if (!is_ipv4 && word(0) != "TCP6") return bad("bad or missing protocol type");
  const auto address = [&](std::string_view written) {
    return is_ipv4 ? ipv4_address(written, families) : ipv6_address(written, families);
  };
  const auto client = address(word(1));
  if (!client) return bad("bad or missing client address");
  const auto server = address(word(2));
  if (!server) return bad("bad or missing server address");
  if (!is_port(word(3))) return bad("bad or missing client port");
  if (!is_port(word(4))) return bad("bad or missing server port");
  return {.kind = Parsed::Kind::whole, .header = {false, *client, std::string(word(3)), *server, std::string(word(4))}};
}

std::optional<std::string> ipv4_at(std::string_view text, std::size_t at, Families families) {
  return ipv4_address(
      fmt::format("{}.{}.{}.{}", byte(text, at), byte(text, at + 1), byte(text, at + 2), byte(text, at + 3)), families);
}
std::optional<std::string> ipv6_at(std::string_view text, std::size_t at, Families families) {
  std::string written;
  for (std::size_t i = 0; i < 16; i += 2) written += fmt::format("{}{:x}", i == 0 ? "" : ":", number(text, at + i));
  return ipv6_address(written, families);
}

Parsed parse_binary(std::string_view text, Families families) {
  if (text.size() < kFixed) return partial(kFixed - text.size());
  if ((byte(text, 12) & 0xF0U) != 0x20U) return bad("unrecognized protocol version");
  const unsigned command = byte(text, 12) & 0x0FU;
  if (command > 1) return bad("bad command in proxy header");
  const std::size_t size = kFixed + number(text, 14);
  if (size > kLongest) return bad("too long version 2 protocol header");
  const bool is_local = command == 0;
  const unsigned family = byte(text, 13);
  const bool is_ipv4 = family == 0x11;  // TCP
  if (!is_local) {
    if (!is_ipv4 && family != 0x21) return bad("unsupported network protocol");
    if (size < kFixed + (is_ipv4 ? 12 : 36)) return bad("short address field");
  }
  if (text.size() < size) return partial(size - text.size());
  if (text.size() > size) return bad("too long version 2 protocol header");
  if (is_local) return {.kind = Parsed::Kind::whole, .header = {true, {}, {}, {}, {}}};
  const std::size_t width = is_ipv4 ? 4 : 16;
  const auto address = [&](std::size_t at) {
    return is_ipv4 ? ipv4_at(text, at, families) : ipv6_at(text, at, families);
  };
  const auto client = address(kFixed);
  if (!client) return bad("bad client address");
  const auto server = address(kFixed + width);
  if (!server) return bad("bad server address");
  return {.kind = Parsed::Kind::whole,
          .header = {false, *client, std::to_string(number(text, kFixed + 2 * width)), *server,
                     std::to_string(number(text, kFixed + 2 * width + 2))}};
}

// For the log, which would make every control byte the same.
std::string escaped(std::string_view text) {
  constexpr std::string_view kControls = "\a\b\f\n\r\t\v";
  constexpr std::string_view kLetters = "abfnrtv";
  std::string result;
  for (const char c : text.substr(0, kLongest)) {
    if (const auto known = kControls.find(c); known != std::string_view::npos) {
      result += '\\';
      result += kLetters[known];
    } else if (base::is_printable(c) && c != '\\') {
      result += c;
    } else {
      result += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

}  // namespace

Parsed parse(std::string_view text, Families families) {
  if (text.empty()) return partial(1);
  const auto begins = [&](std::string_view start) {
    return text.substr(0, start.size()) == start.substr(0, text.size());
  };
  if (begins(kSignature)) return parse_binary(text, families);
  if (begins(kWord)) return text.size() < kWord.size() ? partial(1) : parse_line(text, families);
  return bad("unrecognized protocol header");
}

std::expected<Header, std::string> read(io::Stream& stream, io::Deadline deadline, Families families) {
  std::string text;
  stream.set_deadline(deadline);
  for (Parsed parsed = parse(text, families);; parsed = parse(text, families)) {
    switch (parsed.kind) {
      case Parsed::Kind::whole:
        return parsed.header;
      case Parsed::Kind::bad:
        text += stream.buffered();  // whoever looks for the mistake wants to see more than the first wrong byte
        return std::unexpected(fmt::format("haproxy read: {}: {}", parsed.problem, escaped(text)));
      case Parsed::Kind::partial:
        break;
    }
    try {
      text += stream.read_exactly(parsed.more);
    } catch (const io::StreamError& error) {
      const bool late = error.kind() == io::StreamError::Kind::timed_out;
      return std::unexpected(late ? "haproxy read: timeout error" : "haproxy read: EOF");
    }
  }
}

}  // namespace smtpd::haproxy
