#pragma once
// Which names mean something: built in, made from a service of master.cf, or defined by the user because something
// refers to them; and which settings are therefore mistakes.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/main_cf.h"
#include "config/parameter.h"
#include "postconf/request.h"
#include "postconf/text_form.h"

namespace postconf {

enum class NameClass { builtin, service, user };

class Names {
 public:
  // `settings` are those of main.cf (with -o); with -d there are none. Both must outlive the object.
  Names(const config::Settings& settings, const std::vector<ServiceEntry>& services);
  // The words of smtpd_restriction_classes, expanded: each is the name of a setting.
  void add_restriction_classes(std::string_view names);

  // Nothing for a name that means nothing.
  std::optional<NameClass> class_of(std::string_view name) const;
  // The default of a service's parameter, before expansion.
  std::optional<std::string_view> service_default(std::string_view name) const;

  // The names of these classes, sorted. Users' names are those that are set.
  std::vector<std::string> list(const Classes& classes) const;

  struct Warning {
    std::string event;
    std::string text;
  };
  // References to what is not defined: "main.cf: undefined parameter: x". `main_cf` and `master_cf` are the paths.
  std::vector<Warning> undefined(const std::string& main_cf, const std::string& master_cf) const;
  // Settings that nothing looks at, and those with a better name: "main.cf: unused parameter: x=y".
  std::vector<Warning> useless_in_main_cf(const std::string& main_cf) const;
  std::vector<Warning> useless_in_master_cf(const std::string& master_cf) const;
  // Reading the files of legacy-style tables and looking for names there that their table types do not know.
  std::vector<Warning> useless_in_tables() const;

 private:
  void add_value(std::string_view name, std::string_view value, std::set<std::string, std::less<>>& references);
  void add_tables(std::string_view value);
  bool is_used_by_defaults(std::string_view name) const;
  bool is_defined(std::string_view name) const;

  const config::Settings& settings_;
  const std::vector<ServiceEntry>& services_;
  std::map<std::string, std::string_view, std::less<>> service_defaults_;
  std::set<std::string, std::less<>> main_cf_references_;
  std::set<std::string, std::less<>> master_cf_references_;
  std::set<std::string, std::less<>> overridden_;  // names that some -o in master.cf sets
  std::map<std::string, std::string, std::less<>>
      table_names_;  // "ldapsource" -> "ldap", tables with parameters in main.cf
  std::map<std::string, std::string, std::less<>> table_files_;                   // "/etc/postfix/mysql.cf" -> "mysql"
  mutable std::optional<std::set<std::string, std::less<>>> default_references_;  // computed when first needed
};

}  // namespace postconf
