#include "mail/header.h"

#include "base/text.h"

namespace mail {

namespace {

constexpr HeaderName kHeaders[] = {
    {"Apparently-To", AddressClass::recipient, false, false},
    {"Bcc", AddressClass::recipient, false, true},
    {"Cc", AddressClass::recipient, false, true},
    {"Content-Description", AddressClass::none, false, false},
    {"Content-Disposition", AddressClass::none, false, false},
    {"Content-Id", AddressClass::none, false, false},
    {"Content-Length", AddressClass::none, false, false},
    {"Content-Transfer-Encoding", AddressClass::none, false, false},
    {"Content-Type", AddressClass::none, false, false},
    {"Date", AddressClass::none, false, false},
    {"Delivered-To", AddressClass::none, false, false},
    {"Disposition-Notification-To", AddressClass::sender, false, false},
    {"Errors-To", AddressClass::sender, false, false},
    {"From", AddressClass::sender, false, false},
    {"Mail-Followup-To", AddressClass::sender, false, false},
    {"Message-Id", AddressClass::none, false, false},
    {"MIME-Version", AddressClass::none, false, false},
    {"Received", AddressClass::none, false, false},
    {"Reply-To", AddressClass::sender, false, false},
    {"Resent-Bcc", AddressClass::recipient, true, true},
    {"Resent-Cc", AddressClass::recipient, true, true},
    {"Resent-Date", AddressClass::none, true, false},
    {"Resent-From", AddressClass::sender, true, false},
    {"Resent-Message-Id", AddressClass::none, true, false},
    {"Resent-Reply-To", AddressClass::recipient, true, false},
    {"Resent-Sender", AddressClass::sender, true, false},
    {"Resent-To", AddressClass::recipient, true, true},
    {"Return-Path", AddressClass::sender, false, false},
    {"Return-Receipt-To", AddressClass::sender, false, false},
    {"Sender", AddressClass::sender, false, false},
    {"Subject", AddressClass::none, false, false},
    {"TLS-Required", AddressClass::none, false, false},
    {"To", AddressClass::recipient, false, true},
};

}  // namespace

const HeaderName* known_header(std::string_view name) {
  for (const HeaderName& header : kHeaders) {
    if (header.name.size() == name.size() && base::equals_folded(header.name, name)) return &header;
  }
  return nullptr;
}

std::optional<HeaderStart> header_start(std::string_view line) {
  std::size_t end = 0;
  while (end < line.size() && line[end] > ' ' && line[end] < '\x7f' && line[end] != ':') ++end;
  if (end == 0) return std::nullopt;
  std::size_t colon = end;
  while (colon < line.size() && (line[colon] == ' ' || line[colon] == '\t')) ++colon;
  if (colon == line.size() || line[colon] != ':') return std::nullopt;
  return HeaderStart{line.substr(0, end), colon + 1};
}

std::string unfolded(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (const char c : value) {
    if (c == '\n') {
      while (text.ends_with('\r')) text.pop_back();
      continue;
    }
    text += c;
  }
  return text;
}

}  // namespace mail
