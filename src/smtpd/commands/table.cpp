#include <unordered_map>

#include "smtpd/session.h"

namespace smtpd {

const std::vector<Command>& commands() {
  // verb, function, junk, before TLS, ends a group
  static const std::vector<Command> table = {
      {"HELO", helo, true, true, true},           {"EHLO", ehlo, true, true, true},
      {"XCLIENT", xclient, false, true, false},   {"XFORWARD", xforward, false, false, false},
      {"STARTTLS", starttls, false, true, false}, {"AUTH", auth, false, false, false},
      {"MAIL", mail, false, false, false},        {"RCPT", rcpt, false, false, false},
      {"DATA", data, false, false, true},         {"BDAT", bdat, false, false, false},
      {"RSET", rset, true, false, false},         {"NOOP", noop, true, true, true},
      {"VRFY", vrfy, true, false, true},          {"ETRN", etrn, true, false, false},
      {"QUIT", quit, false, true, false},         {"HELP", help, true, false, true},
      {"", unknown, false, true, false},
  };
  return table;
}

const Command& command_named(std::string_view verb) {
  static const auto index = [] {
    std::unordered_map<std::string_view, const Command*> result;
    for (const Command& command : commands())
      if (!command.verb.empty()) result.emplace(command.verb, &command);
    return result;
  }();
  const auto found = index.find(verb);
  return found == index.end() ? commands().back() : *found->second;
}

}  // namespace smtpd
