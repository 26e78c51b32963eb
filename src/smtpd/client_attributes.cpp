#include "smtpd/client_attributes.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mail/address.h"
#include "mail/text.h"

namespace smtpd {

namespace {

constexpr std::size_t kLongestValue = 255;
constexpr std::string_view kUnknown = "unknown";

using Problem = std::unexpected<std::string>;

enum class Said { value, unavailable, not_now };

struct Attribute {
  std::string_view name;  // as written
  std::string value;      // decoded
  Said said = Said::value;

  bool is(std::string_view other) const { return base::equals_folded(name, other); }
  Problem bad() const { return Problem(fmt::format("Bad {} syntax: {}", upper(), base::printable(value))); }
  std::string upper() const {
    std::string text(name);
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    return text;
  }
};

std::expected<Attribute, std::string> attribute_of(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos || equals + 1 == word.size()) {
    return Problem("Error: attribute=value expected");
  }
  const std::string_view written = word.substr(equals + 1);
  if (written.size() > kLongestValue) return Problem("Error: attribute value too long");
  Attribute attribute{.name = word.substr(0, equals), .value = {}};
  attribute.value = mail::from_xtext(written).value_or(std::string(written));
  if (base::equals_folded(attribute.value, "[UNAVAILABLE]")) attribute.said = Said::unavailable;
  if (base::equals_folded(attribute.value, "[TEMPUNAVAIL]")) attribute.said = Said::not_now;
  return attribute;
}

bool is_host(std::string_view text) {
  return mail::is_valid_hostname(text) && !mail::is_numeric_domain(text);
}

std::optional<std::string> address_of(std::string_view text, Families families) {
  constexpr std::string_view kIpv6 = "IPV6:";
  if (!base::starts_with_folded(text, kIpv6)) return ipv4_address(text, families);
  return ipv6_address(text.substr(kIpv6.size()), families);
}

bool is_port(std::string_view text) {
  return base::all_digits(text) && text.size() <= 5;
}

// A name and how it was found; false: no name.
bool take_name(const Attribute& attribute, std::string& name, restrictions::Client::Status& status) {
  using Status = restrictions::Client::Status;
  if (attribute.said == Said::value && !is_host(attribute.value)) return false;
  name = attribute.said == Said::value ? attribute.value : std::string(kUnknown);
  switch (attribute.said) {
    case Said::value:
      status = Status::found;
      break;
    case Said::unavailable:
      status = Status::not_found;
      break;
    case Said::not_now:
      status = Status::temporary;
      break;
  }
  return true;
}

bool take_address(const Attribute& attribute, Families families, std::string& address) {
  if (attribute.said == Said::unavailable) {
    address = kUnknown;
    return true;
  }
  const auto found = address_of(attribute.value, families);
  if (found) address = *found;
  return found.has_value();
}

bool take_port(const Attribute& attribute, std::string& port) {
  if (attribute.said == Said::unavailable) {
    port = kUnknown;
    return true;
  }
  if (!is_port(attribute.value)) return false;
  port = attribute.value;
  return true;
}

bool take_protocol(const Attribute& attribute, std::string& protocol) {
  for (const std::string_view known : {"SMTP", "ESMTP"}) {
    if (!base::equals_folded(attribute.value, known)) continue;
    protocol = known;
    return true;
  }
  return false;
}

}  // namespace

std::string neutral(std::string_view text) {
  constexpr std::string_view kMeaningful = " <>()\\\";@";
  std::string result = base::printable(text);
  for (char& c : result) {
    if (kMeaningful.contains(c)) c = '?';
  }
  return result;
}

std::expected<ClientChange, std::string> understand_xclient(const restrictions::Client& client,
                                                            std::span<const std::string_view> words,
                                                            Families families) {
  ClientChange change;
  change.client = client;
  for (const std::string_view word : words) {
    const auto attribute = attribute_of(word);
    if (!attribute) return Problem(attribute.error());
    restrictions::Client& changed = change.client;
    bool good = true;
    if (attribute->is("NAME")) {
      good = take_name(*attribute, changed.name, changed.name_status);
      if (good && attribute->said == Said::value) {
        changed.reverse_name = changed.name;
        changed.reverse_status = changed.name_status;
      }
    } else if (attribute->is("REVERSE_NAME")) {
      good = take_name(*attribute, changed.reverse_name, changed.reverse_status);
    } else if (attribute->is("ADDR")) {
      if (changed.connected_from.empty()) changed.connected_from = changed.address;
      good = take_address(*attribute, families, changed.address);
    } else if (attribute->is("PORT")) {
      good = take_port(*attribute, changed.port);
    } else if (attribute->is("HELO")) {
      change.helo = attribute->said == Said::unavailable ? std::string() : neutral(attribute->value);
    } else if (attribute->is("PROTO")) {
      std::string protocol;
      good = take_protocol(*attribute, protocol);
      if (good) change.protocol = std::move(protocol);
    } else if (attribute->is("LOGIN")) {
      change.login = attribute->said == Said::unavailable ? std::string() : base::printable(attribute->value);
    } else if (attribute->is("DESTADDR")) {
      good = take_address(*attribute, families, changed.server_address);
    } else if (attribute->is("DESTPORT")) {
      good = take_port(*attribute, changed.server_port);
    } else {
      return Problem("Bad XCLIENT attribute name: " + base::printable(attribute->upper()));
    }
    if (!good) return attribute->bad();
  }
  return change;
}

std::expected<Forwarding, std::string> understand_xforward(Forwarding so_far, std::span<const std::string_view> words,
                                                           Families families) {
  for (const std::string_view word : words) {
    const auto attribute = attribute_of(word);
    if (!attribute) return Problem(attribute.error());
    const bool unavailable = attribute->said == Said::unavailable;
    const std::string text = unavailable ? std::string(kUnknown) : neutral(attribute->value);
    const bool of_client = !attribute->is("IDENT") && !attribute->is("SOURCE");
    so_far.seen = true;
    so_far.tells_client |= of_client;
    bool good = true;
    if (attribute->is("NAME")) {
      if (!unavailable && !is_host(attribute->value)) return Problem("Bad NAME syntax: " + text);
      so_far.name = text;
    } else if (attribute->is("ADDR")) {
      good = take_address(*attribute, families, so_far.address);
    } else if (attribute->is("PORT")) {
      good = take_port(*attribute, so_far.port);
    } else if (attribute->is("PROTO")) {
      so_far.protocol = unavailable ? std::string() : text;
    } else if (attribute->is("HELO")) {
      so_far.helo = unavailable ? std::string() : text;
    } else if (attribute->is("IDENT")) {
      so_far.ident = unavailable ? std::string() : text;
    } else if (attribute->is("SOURCE")) {
      const bool is_local = base::equals_folded(attribute->value, "LOCAL");
      good = unavailable || is_local || base::equals_folded(attribute->value, "REMOTE");
      so_far.source = unavailable || is_local ? "LOCAL" : "REMOTE";
    } else {
      return Problem("Bad XFORWARD attribute name: " + base::printable(attribute->upper()));
    }
    if (!good) return attribute->bad();
  }
  return so_far;
}

LoggedClient logged_client(const Forwarding& forwarding, const restrictions::Client& client, std::string_view helo,
                           std::string_view protocol, bool with_port) {
  LoggedClient logged;
  if (forwarding.tells_client) {
    const auto or_unknown = [](const std::string& text) { return text.empty() ? std::string(kUnknown) : text; };
    logged = {or_unknown(forwarding.name),     or_unknown(forwarding.address),
              or_unknown(forwarding.port),     forwarding.helo,
              or_unknown(forwarding.protocol), {}};
  } else {
    logged = {client.name, client.address, client.port, std::string(helo), std::string(protocol), {}};
  }
  if (!forwarding.tells_client && !client.known_as.empty()) {
    logged.origin = client.known_as;
    return logged;
  }
  logged.origin = logged.name;
  if (!forwarding.tells_client || logged.address != kUnknown) {
    logged.origin += fmt::format("[{}]", logged.address);
    if (with_port) logged.origin += ":" + logged.port;
  }
  return logged;
}

}  // namespace smtpd
