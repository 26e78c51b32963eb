#include "tls/facts.h"

#include <fmt/format.h>

#include "tls/facts_of.h"

namespace tls {

namespace {

// What TLS 1.3 tells more than its cipher, as words with a blank before each.
std::string details(const Facts& facts, bool of_client) {
  std::string text;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format(" {} {}", name, value);
  };
  if (!of_client) {
    add("key-exchange", facts.key_exchange);
    add("server-signature", facts.server_signature);
    add("server-digest", facts.server_digest);
  } else {
    add("client-signature", facts.client_signature);
    add("client-digest", facts.client_digest);
  }
  return text;
}

std::string cipher_of(const Facts& facts) {
  return fmt::format("{} with cipher {} ({}/{} bits)", facts.protocol, facts.cipher, facts.used_bits,
                     facts.algorithm_bits);
}

// In a comment of a header: what would end or open a comment, or escape, is no longer special.
std::string in_comment(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '(' || c == ')' || c == '\\' || c == '"' ? '_' : c;
  return result;
}

}  // namespace

std::string summary(const Facts& facts) {
  return cipher_of(facts) + details(facts, false) + details(facts, true);
}

std::vector<std::string> received_lines(const Facts& facts) {
  if (!facts.active) return {};
  std::vector<std::string> lines{"(using " + cipher_of(facts)};
  for (const bool of_client : {false, true}) {
    if (const std::string text = details(facts, of_client); !text.empty()) lines.push_back(text);
  }
  lines.back() += ')';
  if (facts.has_certificate) {
    lines.push_back(fmt::format("(Client CN \"{}\", Issuer \"{}\" ({}))", in_comment(facts.subject_cn),
                                in_comment(facts.issuer_cn), facts.trusted ? "verified OK" : "not verified"));
  } else if (facts.asked_for_certificate) {
    lines.emplace_back("(Client did not present a certificate)");
  } else {
    lines.emplace_back("(No client certificate requested)");
  }
  return lines;
}

std::string_view trust(const Facts& facts) {
  if (!facts.has_certificate) return "Anonymous";
  return facts.trusted ? "Trusted" : "Untrusted";
}

}  // namespace tls
