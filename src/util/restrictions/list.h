#pragma once
// Inside the library: a list of restrictions, parsed and asked.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "restrictions/evaluation.h"
#include "restrictions/restriction.h"

namespace restrictions {

struct List;

struct Item {
  std::string text;  // as written: "check_client_access hash:/etc/postfix/clients"
  std::unique_ptr<const Restriction> restriction;
  bool is_warn_if_reject = false;  // then there is no restriction: the next item only warns
};

struct List {
  std::string name;    // "smtpd_client_restrictions", a class's name, the table that named the restrictions
  std::string origin;  // "/etc/postfix/main.cf, line 12"; "default"
  std::vector<Item> items;
  // The restriction that a table stands for when no name is before it, here and in the classes that are named here.
  std::string bare = {};

  bool has_changed() const;
};

// The verdict of the first item that has one.
Outcome ask(Evaluation& evaluation, const List& list);

// What observers are told: "permit", "reject", "dunno".
std::string_view name_of(Outcome::Verdict verdict);

}  // namespace restrictions
