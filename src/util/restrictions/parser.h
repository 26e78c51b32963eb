#pragma once
// Inside the library: from the text of a list to restrictions. Every mistake is found in one go.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "restrictions/list.h"

namespace restrictions {

// All names of the language but warn_if_reject and the administrator's classes.
const Name* find_name(std::string_view name);
// The known name that is nearest in spelling, the classes among them; empty when none is near.
std::string_view nearest_name(std::string_view word, const std::vector<std::string>& classes);

// The words of a list: separated by commas and blanks; what stands in braces is one.
std::vector<std::string_view> words_of(std::string_view text);

class Parser {
 public:
  // Reads smtpd_restriction_classes first. Both must outlive the lists.
  explicit Parser(const Environment& environment);

  // A list of main.cf. `bare` is the restriction that a table stands for when no name is before it; empty: it must have
  // one. In a class that is known when the class is asked. In the place of what could not be read, which mistakes()
  // tells, stands a restriction that ends the list with a 451, as in Postfix.
  List parse(std::string_view parameter, std::string_view text, std::string_view bare);
  // local_header_rewrite_clients: a few names only.
  List parse_local_header_clients(std::string_view parameter, std::string_view text);
  // By name, those that smtpd_restriction_classes has.
  std::map<std::string, List, std::less<>> take_classes() { return std::move(classes_); }

  const std::vector<base::Error>& mistakes() const { return mistakes_; }
  // What can be read, but is never asked; each was logged, too, without the place that these texts begin with.
  const std::vector<std::string>& remarks() const { return remarks_; }
  bool is_hopeless() const { return hopeless_; }  // among them are some that nothing can stand in for
  void hopeless(std::string text);

 private:
  class Words;
  using Find = const Name* (*)(std::string_view name);
  List parse_with(std::string_view parameter, std::string_view text, std::string_view bare, Find find);
  void add(List& list, const Name& name, std::string_view word, Words& words);
  void unknown(List& list, std::string_view word, Find find);
  void hopeless(std::string_view origin, std::string_view list, std::string_view text);
  // `warning`: what the log says to clients that come to it.
  void mistake(List& list, std::string_view word, std::string_view text, std::string warning);
  void find_circles();

  const Environment& environment_;
  std::vector<std::string> class_names_;
  std::map<std::string, List, std::less<>> classes_;
  std::map<std::string, std::vector<std::string>, std::less<>> uses_;  // of classes, by the lists that name them
  std::vector<base::Error> mistakes_;
  std::vector<std::string> remarks_;
  bool hopeless_ = false;
};

// Restrictions that a table or a policy service has named. What is wrong with them is a restriction that says so when
// its turn comes.
List parse_result(const Environment& environment, std::string_view text);

// Whether a list refuses what nobody has permitted: reject, defer, reject_unauth_destination, ... before any `permit`.
bool refuses_by_default(const config::Config& config, std::string_view text);

}  // namespace restrictions
