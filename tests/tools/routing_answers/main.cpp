// What our routing library answers, for tests that hold it against Postfix's daemons.
//
//   routing_answers CONFIG_DIRECTORY
//
// reads lines from standard input, each a question with its arguments, separated by tabs, and answers each with a line
// of results separated by tabs. Bytes that a line cannot have are written \t \n \\ \xHH, both ways.
//
//   rewrite  local|remote ADDRESS       the address
//   resolve  SENDER RECIPIENT           transport, next hop, recipient, class, and "bad", "routed" where it is so
//   verify   SENDER RECIPIENT           the same for address probes
//   header   NAME VALUE                 the value with its addresses rewritten in the local context
//   virtual  ADDRESS                    what virtual_alias_maps make of it
//   canonical ADDRESS                   what canonical_maps make of it
//   masquerade ADDRESS                  what masquerade_domains make of it
//
// A table that cannot answer gives "error" and the text.
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/param.h"
#include "mail/header_tokens.h"
#include "routing/address_map.h"
#include "routing/router.h"

namespace {

using Fields = std::vector<std::string>;

int hex(char c) {
  return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

Fields fields_of(const std::string& line) {
  Fields fields(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\t') {
      fields.emplace_back();
    } else if (line[i] != '\\' || i + 1 == line.size()) {
      fields.back() += line[i];
    } else if (line[++i] == 'x' && i + 2 < line.size()) {
      fields.back() += static_cast<char>(hex(line[i + 1]) * 16 + hex(line[i + 2]));
      i += 2;
    } else {
      fields.back() += line[i] == 't' ? '\t' : line[i] == 'n' ? '\n' : line[i];
    }
  }
  return fields;
}

std::string line_of(const Fields& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += '\t';
    for (const char c : field) {
      if (c == '\\') {
        line += "\\\\";
      } else if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
        line += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
      } else {
        line += c;
      }
    }
  }
  return line;
}

class Answers {
 public:
  explicit Answers(const config::Config& config)
      : config_(config),
        router_(config),
        prober_(config, routing::Router::Purpose::verification),
        virtual_aliases_(config, router_, "virtual_alias_maps", "virtual"),
        canonical_(config, router_, "canonical_maps", "canonical"),
        masquerade_(config) {}

  Fields to(const Fields& question) {
    const std::string& verb = question[0];
    const std::string first = question.size() > 1 ? question[1] : "";
    const std::string second = question.size() > 2 ? question[2] : "";
    if (verb == "rewrite") return {router_.rewrite(routing::context_named(first), second)};
    if (verb == "resolve") return route(router_, first, second);
    if (verb == "verify") return route(prober_, first, second);
    if (verb == "header") return {header(first, second)};
    if (verb == "virtual") {
      auto expansion = routing::expand_virtual(virtual_aliases_, config_, first);
      if (!expansion) return {"error", expansion.error().text};
      if (!expansion->problem.empty()) return {"problem", expansion->problem};
      return expansion->addresses;
    }
    if (verb == "canonical") return one(routing::canonical(canonical_, first));
    if (verb == "masquerade") return one(masquerade_.apply(first));
    throw base::Fatal("unknown question: " + verb);
  }

 private:
  static Fields one(std::expected<std::string, table::Error> answer) {
    if (!answer) return {"error", answer.error().text};
    return {std::move(*answer)};
  }

  static Fields route(const routing::Router& router, const std::string& sender, const std::string& recipient) {
    auto found = router.resolve(sender, recipient);
    if (!found) return {"error", found.error().text};
    Fields answer = {found->transport, found->nexthop, found->recipient,
                     std::string(routing::name_of(found->address_class))};
    if (found->bad_address) answer.emplace_back("bad");
    if (found->routed) answer.emplace_back("routed");
    return answer;
  }

  std::string header(const std::string& name, const std::string& value) const {
    return mail::rewrite_addresses(
        value, static_cast<std::size_t>(config_[config::param::header_address_token_limit]),
        [&](const std::string& address) { return router_.rewrite(routing::Context::local, address); }, name.size() + 1);
  }

  const config::Config& config_;
  routing::Router router_;
  routing::Router prober_;
  routing::AddressMap virtual_aliases_;
  routing::AddressMap canonical_;
  routing::Masquerade masquerade_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto config = config::Config::load({.directory = argc > 1 ? argv[1] : "", .process_name = "trivial-rewrite"});
    if (!config) throw base::Fatal(config.error().text);
    Answers answers(*config);
    std::string line;
    while (std::getline(std::cin, line)) std::cout << line_of(answers.to(fields_of(line))) << std::endl;
    return 0;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "routing_answers: {}\n", problem.what());
    return 1;
  }
}
