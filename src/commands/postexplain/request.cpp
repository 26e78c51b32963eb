#include "postexplain/request.h"

#include <arpa/inet.h>

#include "base/text.h"
#include "mail/address.h"

namespace postexplain {

const std::string_view kUsage =
    "usage: postexplain route [-jv] [-c config_dir] [--sender address] address...\n"
    "       postexplain session [-jv] [-c config_dir] --client address[,name] [--helo name] [--sasl-user user] "
    "[--tls]\n"
    "           [--service name] [--size bytes] [--smtp | --esmtp] [--no-dns] [--no-policy] --from address\n"
    "           --to address...";

namespace {

using Problem = std::unexpected<base::Error>;

Problem problem(std::string text) {
  return Problem(base::Error{std::move(text)});
}

// What stands in angle brackets, or the whole: "<>" is the null sender.
std::string internal(std::string_view written) {
  if (written.size() >= 2 && written.starts_with('<') && written.ends_with('>')) {
    written = written.substr(1, written.size() - 2);
  }
  return mail::unquote(written);
}

// Options and words in any order; "--" ends the options. A value stands behind its option, or behind '='.
class Words {
 public:
  explicit Words(std::span<char*> words) : words_(words) {}

  bool next() {
    if (at_ >= words_.size()) return false;
    const std::string_view word = words_[at_++];
    value_.reset();
    name_ = {};
    if (only_operands_ || word.size() < 2 || word[0] != '-') {
      operand_ = word;
      return true;
    }
    if (word == "--") {
      only_operands_ = true;
      return next();
    }
    if (word.starts_with("--")) {
      const auto equals = word.find('=');
      name_ = word.substr(0, equals);
      if (equals != std::string_view::npos) value_ = word.substr(equals + 1);
    } else {
      name_ = word.substr(0, 2);
      if (word.size() > 2) value_ = word.substr(2);
    }
    return true;
  }

  std::string_view name() const { return name_; }  // empty for an operand
  std::string_view operand() const { return operand_; }
  bool has_value() const { return value_.has_value(); }
  std::string_view attached() const { return value_.value_or(""); }

  // The value of this option; nothing when there is none.
  std::optional<std::string_view> value() {
    if (!value_ && at_ < words_.size()) value_ = words_[at_++];
    return value_;
  }

 private:
  std::span<char*> words_;
  std::size_t at_ = 0;
  bool only_operands_ = false;
  std::string_view name_, operand_;
  std::optional<std::string_view> value_;
};

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

std::expected<Client, base::Error> client_of(std::string_view text) {
  const auto comma = text.find(',');
  Client client;
  client.address = text.substr(0, comma);
  if (comma != std::string_view::npos) client.name = text.substr(comma + 1);
  if (!is_address(client.address)) return problem("--client: no IP address: " + base::printable(client.address));
  if (client.name && *client.name != "unknown" && !mail::is_valid_hostname(*client.name)) {
    return problem("--client: no host name: " + base::printable(*client.name));
  }
  return client;
}

// -jv as -j -v.
bool take_flags(Request& request, Words& words) {
  std::string letters(1, words.name()[1]);
  letters += words.attached();
  for (const char letter : letters) {
    if (letter == 'j') {
      request.json = true;
    } else if (letter == 'v') {
      ++request.verbosity;
    } else {
      return false;
    }
  }
  return true;
}

bool take_flag(Request& request, std::string_view name) {
  const auto flag = [&](std::string_view text, bool& target, bool value) {
    if (name != text) return false;
    target = value;
    return true;
  };
  return flag("--tls", request.tls, true) || flag("--esmtp", request.esmtp, true) ||
         flag("--smtp", request.esmtp, false) || flag("--no-dns", request.dns, false) ||
         flag("--no-policy", request.policy, false);
}

std::expected<void, base::Error> take_valued(Request& request, std::string_view name, std::string_view value,
                                             bool& has_sender) {
  if (name == "-c") {
    request.config_directory = value;
  } else if (name == "--sender" || name == "--from") {
    request.sender = internal(value);
    has_sender = true;
  } else if (name == "--client") {
    auto client = client_of(value);
    if (!client) return std::unexpected(std::move(client.error()));
    request.client = std::move(*client);
  } else if (name == "--helo") {
    request.helo = value;
  } else if (name == "--sasl-user") {
    request.sasl_user = value;
  } else if (name == "--to") {
    request.recipients.emplace_back(value);
  } else if (name == "--service") {
    request.service = value;
  } else {
    const auto size = base::to_long(value);
    if (!size || *size < 0) return problem("--size: no number of bytes: " + base::printable(value));
    request.size = *size;
  }
  return {};
}

bool is_among(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

bool wants_value(std::string_view name, Request::What what) {
  if (name == "-c") return true;
  if (what == Request::What::route) return name == "--sender";
  return is_among(name, {"--client", "--helo", "--sasl-user", "--from", "--to", "--service", "--size"});
}

}  // namespace

std::expected<Request, base::Error> understand(std::span<char*> arguments) {
  Request request;
  if (arguments.empty()) return problem("route or session?");
  const std::string_view verb = arguments.front();
  if (verb == "session") {
    request.what = Request::What::session;
  } else if (verb != "route") {
    return problem(fmt::format("neither route nor session: {}", base::printable(verb)));
  }
  bool has_sender = false;
  Words words(arguments.subspan(1));
  while (words.next()) {
    const std::string_view name = words.name();
    const auto unknown = [&] { return problem(fmt::format("unknown option: {}", base::printable(name))); };
    if (name.empty()) {
      if (request.what == Request::What::session) {
        return problem(fmt::format("no option: {} (recipients are given with --to)", base::printable(words.operand())));
      }
      request.addresses.emplace_back(words.operand());
    } else if (wants_value(name, request.what)) {
      const auto value = words.value();
      if (!value) return problem(fmt::format("{} needs a value", name));
      if (auto taken = take_valued(request, name, *value, has_sender); !taken) {
        return std::unexpected(std::move(taken.error()));
      }
    } else if (name.size() == 2) {
      if (!take_flags(request, words)) return unknown();
    } else {
      if (request.what == Request::What::route || !take_flag(request, name)) return unknown();
      if (words.has_value()) return problem(fmt::format("{} takes no value", name));
    }
  }
  if (request.what == Request::What::route) {
    if (request.addresses.empty()) return problem("which address?");
    return request;
  }
  if (request.client.address.empty()) return problem("--client is missing");
  if (!has_sender) return problem("--from is missing (\"--from <>\" is the null sender)");
  if (request.recipients.empty()) return problem("--to is missing");
  return request;
}

}  // namespace postexplain
